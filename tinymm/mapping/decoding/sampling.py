r"""Drawing words, from the whole distribution or from its likelier part."""

import math

import numpy as np

from .word_by_word import roll_out

__all__ = ["drawing", "filter_logits", "sample"]


def sample(step, batch, bos, eos, max_length, rng, temperature=1.0, top_k=None, top_p=None, min_p=None, rules=()):
    r"""Draw each word: $w_{t+1} \sim \mathrm{softmax}(\log p / \tau)$, restricted by `top_k`, `top_p`, `min_p`.

    What is asked for is done in this order, each to what the one before has left: rules, temperature, `top_k`,
    `top_p`, `min_p`. So it is in the `transformers` library.

    Parameters
    ----------
    step, batch, bos, eos, max_length, rules
        As for `greedy`.
    rng : numpy.random.Generator
    temperature : float
        τ > 0; below 1 sharper, above 1 flatter.
    top_k, top_p, min_p
        As for `filter_logits`.

    Returns
    -------
    list of list of int
        B captions, without `bos` and `eos`. (`roll_out` with `drawing` also tells which were closed.)

    Raises
    ------
    ValueError
        If the temperature is not positive: towards 0 the draw becomes `greedy`, which is to be called instead.

    Examples
    --------
    >>> table = np.log(np.array([[.1, .2, .7, .0001], [.6, .1, .1, .2], [.1, .1, .1, .7], [.25, .25, .25, .25]]))
    >>> rng = np.random.default_rng(0)
    >>> sample(lambda words, rows, state: (table[words], state), 2, 0, 3, 5, rng, top_k=1)
    [[2], [2]]
    """
    choose = drawing(rng, temperature, top_k, top_p, min_p)
    return roll_out(step, batch, bos, eos, max_length, choose, rules, name="sample").words


def drawing(rng, temperature=1.0, top_k=None, top_p=None, min_p=None):
    r"""What sampling chooses: a function of log_p (n, V) that draws words (n,), for `roll_out`.

    The draw is Gumbel's: $\arg\max_w (\log p_w + g_w)$ with $g_w = -\log(-\log u_w)$ is distributed like p, and p need
    not be normalised.

    Parameters
    ----------
    rng, temperature, top_k, top_p, min_p
        As for `sample`.

    Examples
    --------
    >>> choose = drawing(np.random.default_rng(0), temperature=0.5, top_k=2)
    >>> choose(np.log(np.array([[0.1, 0.5, 0.4]] * 8)))
    array([1, 2, 1, 1, 2, 1, 1, 1])
    """
    if not 0 < temperature < math.inf:
        raise ValueError(f"sample: temperature must be positive (for the likeliest word use greedy); got {temperature}")
    _check_filters("sample", top_k, top_p, min_p)

    def choose(log_p):
        kept = filter_logits(log_p / temperature, top_k, top_p, min_p)
        gumbel = -np.log(-np.log(rng.uniform(1e-12, 1, kept.shape)))
        return (kept + gumbel).argmax(-1)

    return choose


def filter_logits(logits, top_k=None, top_p=None, min_p=None):
    r"""Set to −∞ all but the likeliest words; of several filters, each looks at what the one before has left.

    Parameters
    ----------
    logits : float array (..., V)
    top_k : int, optional
        Keep the k likeliest words (Fan et al. 2018).
    top_p : float, optional
        Keep the nucleus: the smallest set of likeliest words that together have probability at least p
        (Holtzman et al. 2020, eq. 2).
    min_p : float, optional
        Keep the words with $p_w \ge \mathrm{min\_p} \cdot \max_v p_v$ (Nguyen et al. 2024, §3): many where the model is
        unsure, few where it is sure.

    Returns
    -------
    float array (..., V)

    References
    ----------
    Fan, Lewis & Dauphin (2018), Hierarchical neural story generation, §5. Holtzman et al. (2020), The curious case of
    neural text degeneration. Nguyen et al. (2024), Turning up the heat: min-p sampling.

    Examples
    --------
    >>> filter_logits(np.log(np.array([0.5, 0.3, 0.2])), top_p=0.6)
    array([-0.69314718, -1.2039728 ,        -inf])
    >>> filter_logits(np.log(np.array([0.5, 0.3, 0.2])), min_p=0.5)
    array([-0.69314718, -1.2039728 ,        -inf])
    """
    _check_filters("filter_logits", top_k, top_p, min_p)
    if top_k is not None:
        logits = _keep_top_k(logits, top_k)
    if top_p is not None:
        logits = _keep_nucleus(logits, top_p)
    if min_p is not None:
        logits = _keep_min_p(logits, min_p)
    return logits


def _keep_top_k(logits, k):
    """The k largest; of equals the first."""
    order = np.argsort(-logits, axis=-1, kind="stable")[..., :k]
    kept = np.full_like(logits, -np.inf)
    np.put_along_axis(kept, order, np.take_along_axis(logits, order, -1), -1)
    return kept


def _keep_nucleus(logits, p):
    """From the largest on until their probabilities sum to p: the word that crosses p stays."""
    order = np.argsort(-logits, axis=-1, kind="stable")
    ranked = np.take_along_axis(logits, order, -1)
    probabilities = np.exp(ranked - ranked[..., :1])
    probabilities /= probabilities.sum(-1, keepdims=True)
    keep = np.cumsum(probabilities, -1) - probabilities < p              # what stands before a word
    kept = np.empty_like(logits)
    np.put_along_axis(kept, order, np.where(keep, ranked, -np.inf), -1)
    return kept


def _keep_min_p(logits, share):
    """Those of at least this share of the largest probability; their quotient needs no softmax."""
    quotient = np.exp(logits - logits.max(-1, keepdims=True))            # p / max p
    return np.where(quotient >= share, logits, -np.inf)


def _check_filters(name, top_k, top_p, min_p):
    if top_k is not None and top_k < 1:
        raise ValueError(f"{name}: top_k must be at least 1; got {top_k}")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"{name}: top_p must lie in (0, 1]; got {top_p}")
    if min_p is not None and not 0 <= min_p <= 1:
        raise ValueError(f"{name}: min_p must lie in [0, 1]; got {min_p}")
