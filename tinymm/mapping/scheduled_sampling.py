r"""Scheduled sampling: in training too, a model is sometimes given its own words instead of the true ones.

Teacher forcing shows a model true prefixes only; when it writes, it sees its own, mistakes included, which it has never
learned to go on from (exposure bias). Here each word is the true one with probability ε, else one that the model itself
has drawn. The target stays the true word, and no gradient goes through the choice of a word.

It helps in practice at times, but what it minimises is not the likelihood. The true word at t + 1 is demanded after
whatever words stand before it: of "a b" and "c d", half each, a model at ε = 0 learns to say "a d" and "c b" as well,
for the second word must fit both firsts. So even with endless data and a perfect optimiser it does not find the true
distribution (Huszár 2015). Lower ε late and not to 0, or use a reward.
"""

import math
from contextlib import contextmanager

import numpy as np

from .. import functional as F
from ..autograd import no_grad
from ..encoders.encoded import repeated
from .decoding import drawing

__all__ = ["inverse_sigmoid_decay", "linear_decay", "scheduled_words", "scheduled_words_at_once"]


def scheduled_words(model, inputs, ids, epsilon, rng):
    r"""The words to show instead of `ids`: word by word, each after the words shown before it.

    $$\tilde w_t = w_t \text{ with probability } \varepsilon, \text{ else } \tilde w_t \sim p(\cdot \mid
      \tilde w_{<t}, x)$$

    The loss is then that of any other shown words, `caption_loss(captioner, images, ids, mask, shown)`: given the
    words, it does not matter that they were chosen one after another. The words are drawn in eval mode, from the
    decoder's state: a second reading of each caption, T short steps long.

    Parameters
    ----------
    model : Captioner, EncoderDecoder, or another with `encode`, `new_state` and `read_on`
    inputs : array (B, ...)
    ids : int array (B·K, T)
        <bos> w₁ … <eos> and padding; K for each input in turn. <bos> stays, and the last word, which is not shown.
    epsilon : float
        ε in [0, 1]: 1 is teacher forcing, and draws nothing.
    rng : numpy.random.Generator

    Returns
    -------
    int array (B·K, T)

    Raises
    ------
    ValueError
        If ε does not lie in [0, 1].

    References
    ----------
    Bengio et al. (2015), Scheduled sampling for sequence prediction with recurrent neural networks, §2.4. Huszár
    (2015), How (not) to train your generative model: scheduled sampling, likelihood, adversary?

    Examples
    --------
    >>> import tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> captioner = tm.mapping.Captioner(tm.encoders.ConvEncoder(((8,), (16,)), 8, glance=1, rng=rng),
    ...                       tm.encoders.CausalLSTM(10, 12, context=16, rng=rng),
    ...                       tm.fusion.AttentionFusion({"text": 12, "image": 16}, 8, rng=rng), 10, rng=rng)
    >>> images, ids = np.zeros((1, 3, 8, 8), np.float32), np.array([[1, 4, 5, 6, 2]])
    >>> scheduled_words(captioner, images, ids, 1.0, rng)
    array([[1, 4, 5, 6, 2]])
    >>> shown = scheduled_words(captioner, images, ids, 0.0, rng)
    >>> shown.shape, shown[0, [0, -1]]
    ((1, 5), array([1, 2]))
    """
    _check("scheduled_words", epsilon)
    if epsilon == 1:
        return ids
    is_own = _own(ids, epsilon, rng)
    shown, choose = ids.copy(), drawing(rng)
    with _writing(model):
        state = model.new_state(_encoded(model, inputs, ids))
        for t in range(1, ids.shape[1] - 1):
            logits = model.read_on(shown[:, t - 1:t], state)             # (B·K, 1, V)
            drawn = choose(F.log_softmax(logits.data[:, 0], -1))
            shown[:, t] = np.where(is_own[:, t], drawn, ids[:, t])
    return shown


def scheduled_words_at_once(model, inputs, ids, epsilon, rng):
    r"""The words to show instead of `ids`, in one pass: each drawn after the *true* words before it.

    $$\tilde w_t = w_t \text{ with probability } \varepsilon, \text{ else } \tilde w_t \sim p(\cdot \mid w_{<t}, x)$$

    For a Transformer, which reads all positions of the true caption at once: two passes in place of T. The first draws,
    the second, that of the loss, is given the mixture. A drawn word answers to the true prefix, not to the mixture in
    which it stands; with few own words that is seldom another.

    Parameters
    ----------
    model : Captioner, EncoderDecoder, or another with `encode` and `decode`
    inputs, ids, epsilon, rng
        As for `scheduled_words`.

    Returns
    -------
    int array (B·K, T)

    References
    ----------
    Mihaylova & Martins (2019), Scheduled sampling for Transformers, §3.
    """
    _check("scheduled_words_at_once", epsilon)
    if epsilon == 1:
        return ids
    is_own = _own(ids, epsilon, rng)
    with _writing(model):
        logits, _ = model.decode(_encoded(model, inputs, ids), ids[:, :-1])                # (B·K, T − 1, V)
        drawn = drawing(rng)(F.log_softmax(logits.data, -1))                               # of positions 1 … T − 1
    return np.where(is_own, np.concatenate([ids[:, :1], drawn], 1), ids)


def linear_decay(step, steps, end):
    r"""ε at a step: from 1 down to `end`, $\varepsilon = 1 - (1 - \mathrm{end})\, \mathrm{step} / \mathrm{steps}$.

    Examples
    --------
    >>> [linear_decay(step, 4, 0.8) for step in (0, 2, 4)]
    [1.0, 0.9, 0.8]
    """
    return 1 - (1 - end) * min(step / steps, 1)


def inverse_sigmoid_decay(step, k):
    r"""ε at a step: $k / (k + e^{\mathrm{step} / k})$, near 1 at first, ½ at step k ln k, then soon near 0.

    Examples
    --------
    >>> [round(inverse_sigmoid_decay(step, 100), 3) for step in (0, 460, 1000)]
    [0.99, 0.501, 0.005]
    """
    if not k >= 1:
        raise ValueError(f"inverse_sigmoid_decay: k must be at least 1; got {k}")
    return 1 / (1 + math.exp(min(step / k - math.log(k), 700)))          # beyond, exp overflows


def _check(name, epsilon):
    if not 0 <= epsilon <= 1:
        raise ValueError(f"{name}: epsilon must lie in [0, 1]; got {epsilon}")


def _own(ids, epsilon, rng):
    """Which words are to be the model's own: never the first, nor the last, which no position is shown."""
    is_own = rng.random(ids.shape) >= epsilon
    is_own[:, [0, -1]] = False
    return is_own


def _encoded(model, inputs, ids):
    """With a row for each text."""
    return repeated(model.encode(inputs), len(ids) // len(inputs))


@contextmanager
def _writing(model):
    """As when it decodes: in eval mode, without a tape; afterwards every layer is in the mode it was in."""
    modes = [(layer, layer.training) for layer in model.modules()]
    try:
        model.eval()
        with no_grad():
            yield
    finally:
        for layer, mode in modes:
            layer.training = mode
