r"""Any encoder to any decoder (article 3.2.1): the same code captions images and transcribes speech.

What is said about an input x is a product over words, each given x and the words before it:

$$\log p(w_1 \dots w_T \mid x) = \sum_t \log p(w_{t+1} \mid w_{\le t}, x).$$

A model of that kind has four methods, and this is all that training and decoding know of it:

- ``encode(inputs, mask=None)`` → `Encoded`;
- ``decode(encoded, ids)`` → logits (B, T, V), position t for word t + 1, and what the decoder shows of itself;
- ``new_state(encoded)`` → what is kept between words, with a method ``select(rows)``;
- ``read_on(ids, state)`` → logits of the new words alone.

A decoder has the last three. `EncoderDecoder` puts one behind an encoder; `Captioner` is a model of its own.
"""

from .. import functional as F
from .. import nn
from ..autograd import no_grad
from ..encoders.encoded import repeated, selected

__all__ = ["EncoderDecoder", "next_word", "next_word_of", "sequence_loss"]


class EncoderDecoder(nn.Module):
    """An encoder, and a decoder that writes in view of what was encoded.

    Parameters
    ----------
    encoder : Module
        (inputs, mask) → `Encoded`: sequence (B, N, D), pooled (B, P), mask (B, N).
    decoder : FusionDecoder, TextDecoder, or another with `decode`, `new_state` and `read_on`

    Raises
    ------
    ValueError
        If texts are not K for each input.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> transcriber = EncoderDecoder(tm.encoders.WhisperEncoder(40, 16, layers=1, rng=rng),
    ...                              tm.mapping.TextDecoder(10, 16, layers=1, rng=rng))
    >>> logits, _ = transcriber(np.zeros((2, 9, 40), np.float32), np.array([[1, 4, 5], [1, 6, 2]]))
    >>> logits.shape
    (2, 3, 10)
    """

    def __init__(self, encoder, decoder):
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, inputs, ids, mask=None):
        """inputs (B, ...), ids (B·K, T) int, K texts for each input in turn, mask of the inputs,
        to logits (B·K, T, V) and what the decoder shows."""
        if len(ids) % len(inputs):
            raise ValueError(f"EncoderDecoder: texts must be as many as inputs, or K for each; "
                             f"got {len(ids)} for {len(inputs)} inputs")
        return self.decode(repeated(self.encode(inputs, mask), len(ids) // len(inputs)), ids)

    def encode(self, inputs, mask=None):
        """inputs (B, ...) to `Encoded`."""
        return self.encoder(inputs, mask)

    def decode(self, encoded, ids):
        """What was encoded, with a row for each text, and ids (B, T) to logits (B, T, V) and what the decoder shows."""
        return self.decoder.decode(encoded, ids)

    def new_state(self, encoded):
        """The decoder's state before the first word; encoded has a row for each text."""
        return self.decoder.new_state(encoded)

    def read_on(self, ids, state):
        """The next words (B, t) of texts whose state keeps the earlier ones, to logits (B, t, V)."""
        return self.decoder.read_on(ids, state)


def sequence_loss(logits, ids, mask, label_smoothing=0.0):
    r"""Mean negative log-likelihood per word, by teacher forcing: every position was given the true words before it.

    $$\mathcal L = -\frac1{|M|}\sum_{(b,t)\in M} \Big[(1-\varepsilon)\log p_{bt}(w_{b,t+1})
      + \frac{\varepsilon}{V}\sum_v \log p_{bt}(v)\Big]$$

    Parameters
    ----------
    logits : Tensor (B, T - 1, V)
        Of positions that were given the first T - 1 words.
    ids : int array (B, T)
        <bos> w₁ … <eos> and padding; the first word is given, not predicted.
    mask : bool array (B, T)
        True where `ids` is no padding; M, less the first word.
    label_smoothing : float
        ε: the share of the target that is spread over all words.

    Returns
    -------
    Tensor ()

    References
    ----------
    Williams and Zipser (1989), A learning algorithm for continually running fully recurrent neural networks (teacher
    forcing); Szegedy et al. (2016), Rethinking the inception architecture, §7 (label smoothing).

    Examples
    --------
    >>> import numpy as np
    >>> ids, mask = np.array([[1, 3, 2, 0]]), np.array([[True, True, True, False]])
    >>> round(float(sequence_loss(np.zeros((1, 3, 4)), ids, mask) / np.log(4)), 6)
    1.0
    """
    said, words = mask[:, 1:], ids[:, 1:]
    return F.cross_entropy(logits[said], words[said], label_smoothing=label_smoothing)


def next_word(model, inputs, mask=None):
    """The function `step(words, rows, state)` that decoding asks for the log-probabilities of the next words.

    Its state is the decoder's: each word is read once, each input is encoded and projected once.

    Parameters
    ----------
    model : EncoderDecoder, Captioner, or another with their four methods
        In eval mode.
    inputs : array (B, ...)
        Encoded once, here.
    mask : bool array, optional
        Of the inputs, as the encoder takes it.

    Returns
    -------
    callable
        words (n,) int, rows (n,) int, state → float array (n, V) and the state, as `tinymm.mapping.decoding` says.

    Raises
    ------
    ValueError
        If the model is in training mode.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> captioner = tm.mapping.Captioner(tm.encoders.ConvEncoder(((8,), (16,)), 8, glance=1, rng=rng),
    ...                       tm.encoders.CausalLSTM(10, 12, context=16, rng=rng),
    ...                       tm.fusion.AttentionFusion({"text": 12, "image": 16}, 8, rng=rng), 10, rng=rng).eval()
    >>> step = next_word(captioner, np.zeros((2, 3, 8, 8), np.float32))
    >>> log_p, state = step(np.array([1, 1]), np.array([0, 1]), None)           # what follows <bos>, for either image
    >>> log_p, state = step(np.array([4, 5, 6]), np.array([0, 0, 1]), state)    # the first goes on in two ways
    >>> log_p.shape, np.exp(log_p).sum(-1).round(4), state.text.length
    ((3, 10), array([1., 1., 1.], dtype=float32), 2)
    """
    _refuse_training("next_word", model)
    with no_grad():
        return next_word_of(model, model.encode(inputs, mask))


def next_word_of(model, encoded):
    """`next_word`, of inputs that are encoded already.

    Parameters
    ----------
    model : EncoderDecoder, Captioner, or another with their methods
        In eval mode.
    encoded : Encoded

    Returns
    -------
    callable
        As `next_word`.

    Raises
    ------
    ValueError
        If the model is in training mode.
    """
    _refuse_training("next_word_of", model)

    def step(words, rows, state):
        with no_grad():
            if state is None:
                state = model.new_state(selected(encoded, rows))
            else:
                state.select(rows)
            logits = model.read_on(words[:, None], state)                # (n, 1, V)
            return F.log_softmax(logits.data[:, -1], -1), state

    return step


def _refuse_training(name, model):
    if model.training:
        raise ValueError(f"{name}: the model must be in eval mode; call .eval() first")
