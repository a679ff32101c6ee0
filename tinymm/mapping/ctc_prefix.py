r"""CTC as a step of decoding: what label comes next, given what has been said so far and the whole recording.

CTC gives whole transcripts a probability. Summed over all transcripts that begin with a prefix g, that is

$$\Psi(g) = \sum_{l \text{ begins with } g} p(l), \qquad p(c \mid g) = \frac{\Psi(g\,c)}{\Psi(g)}, \qquad
  p(\text{end} \mid g) = \frac{p(g)}{\Psi(g)},$$

and the product of these is p(l) again, exactly. So greedy and beam search can ask CTC word by word, as they ask a
decoder, or ask both. NumPy only; no Tensor comes here.
"""

from typing import NamedTuple

import numpy as np

from .ctc_decoding import checked_lengths

__all__ = ["ctc_next_label", "mixed"]


class _Prefixes(NamedTuple):
    """What n prefixes keep: of the paths over the frames before each of T + 1 moments, those that spell the prefix."""

    log_y: np.ndarray   # (n, T, V)
    last: np.ndarray    # (n,) the newest label; before any, the blank
    label: np.ndarray   # (n, T + 1) ln of the paths that end in this label
    blank: np.ndarray   # (n, T + 1) ... in the blank
    grown: np.ndarray   # (n, V) ln Ψ of the prefix with each label after it
    total: np.ndarray   # (n,) ln Ψ of the prefix itself


def ctc_next_label(log_probs, lengths, eos, blank=0):
    r"""The function `step(words, rows, state)` of CTC: the log-probabilities of the next label.

    With $\gamma_t^{\ell}(g)$ and $\gamma_t^{\varnothing}(g)$ the sums over all paths through frames 1 … t that spell g
    and end in its last label, or in a blank, the label c comes as a new one in frame t after

    $$\varphi_t = \gamma_{t-1}^{\varnothing}(g) + \gamma_{t-1}^{\ell}(g)\,[c \ne \text{last}(g)], \qquad
      \Psi(g\,c) = \sum_t \varphi_t\, y_t(c),$$
    $$\gamma_t^{\ell}(g\,c) = \big(\gamma_{t-1}^{\ell}(g\,c) + \varphi_t\big)\, y_t(c), \qquad
      \gamma_t^{\varnothing}(g\,c) = \big(\gamma_{t-1}^{\varnothing}(g\,c) + \gamma_{t-1}^{\ell}(g\,c)\big)\,
      y_t(\varnothing).$$

    Parameters
    ----------
    log_probs : ndarray, (T, B, V)
        As for `ctc_loss`, normalised; label k is word k of the decoding.
    lengths : sequence of int, (B,)
        Real frames of each example.
    eos : int
        The word that stands for the end; no label.
    blank : int
        As a word it never comes.

    Returns
    -------
    callable
        words (n,) int, rows (n,) int, state → float array (n, V) and the state, as `tinymm.mapping.decoding` says. The
        first words, <bos>, are not looked at.

    Raises
    ------
    ValueError
        If shapes or lengths do not fit, or `eos` is the blank or no label.

    References
    ----------
    Watanabe et al. (2017), Hybrid CTC/attention architecture for end-to-end speech recognition, algorithm 2.

    Examples
    --------
    >>> y = np.array([[[0.6, 0.4, 0.0]], [[0.6, 0.4, 0.0]]])     # nothing: .36; label 1: .64, by three paths
    >>> with np.errstate(divide="ignore"):
    ...     step = ctc_next_label(np.log(y), [2], eos=2)
    >>> log_p, state = step(np.array([2]), np.array([0]), None)
    >>> np.exp(log_p).round(2)
    array([[0.  , 0.64, 0.36]])
    """
    frames = checked_lengths("ctc_next_label", log_probs, lengths, blank)
    if not 0 <= eos < log_probs.shape[2] or eos == blank:
        raise ValueError(f"ctc_next_label: eos must be below V = {log_probs.shape[2]} and not the blank; got {eos}")
    real = np.arange(len(log_probs))[:, None] < np.array(frames, int)
    log_y = np.where(real[..., None], log_probs, np.where(np.arange(log_probs.shape[2]) == blank, 0.0, -np.inf))
    log_y = np.swapaxes(log_y, 0, 1).astype(np.float64)                  # (B, T, V): after the last frame all is blank

    def step(words, rows, state):
        if state is None:
            prefixes = _nothing_said(log_y[rows], blank)
        else:
            prefixes = _extended(_Prefixes(*(x[rows] for x in state)), words, blank)
        grown = _grown(prefixes, blank)
        prefixes = prefixes._replace(grown=grown)
        said = np.concatenate([grown[:, :eos], _whole(prefixes)[:, None], grown[:, eos + 1:]], 1)
        possible = np.isfinite(prefixes.total)[:, None]
        log_p = np.where(possible, said - np.where(possible, prefixes.total[:, None], 0.0), -np.inf)
        return log_p.astype(log_probs.dtype), prefixes

    return step


def mixed(one, other, share):
    r"""Two steps as one, whose scores are $(1 - \lambda)\log p_1 + \lambda \log p_2$.

    Parameters
    ----------
    one, other : callable
        Steps over the same words.
    share : float
        λ in [0, 1]; of 0 and 1 only one of them is asked.

    Returns
    -------
    callable
        A step; what it gives are scores and not log-probabilities, as they do not sum to 1.

    Raises
    ------
    ValueError
        If the share is outside [0, 1].

    References
    ----------
    Watanabe et al. (2017), Hybrid CTC/attention architecture for end-to-end speech recognition, equation 42.

    Examples
    --------
    >>> def always(*p):
    ...     return lambda words, rows, state: (np.log([p] * len(words)), state)
    >>> scores, _ = mixed(always(0.9, 0.1), always(0.4, 0.6), 0.5)(np.array([0]), np.array([0]), None)
    >>> np.exp(scores).round(3)                                          # geometric means: √(.9 · .4), √(.1 · .6)
    array([[0.6  , 0.245]])
    """
    if not 0 <= share <= 1:
        raise ValueError(f"mixed: the share must lie in [0, 1]; got {share}")
    if share in (0, 1):
        return other if share else one

    def step(words, rows, state):
        mine, theirs = (None, None) if state is None else state
        log_p, mine = one(words, rows, mine)
        log_q, theirs = other(words, rows, theirs)
        return (1 - share) * log_p + share * log_q, (mine, theirs)

    return step


def _nothing_said(log_y, blank):
    """The empty prefix of each row: its only path is blanks, and it is the beginning of all transcripts."""
    n, frames, labels = log_y.shape
    blanks = np.concatenate([np.zeros((n, 1)), np.cumsum(log_y[:, :, blank], 1)], 1)
    return _Prefixes(log_y, np.full(n, blank), np.full((n, frames + 1), -np.inf), blanks, np.empty((n, labels)),
                     np.zeros(n))


def _extended(prefixes, labels, blank):
    """The prefixes with one more label each, (n,) int."""
    rows = np.arange(len(labels))
    log_y, emitted = prefixes.log_y, prefixes.log_y[rows, :, labels]     # (n, T)
    before = np.where((labels == prefixes.last)[:, None], -np.inf, prefixes.label)
    ready = np.logaddexp(prefixes.blank, before)                         # φ, (n, T + 1)
    label, blanks = (np.full_like(ready, -np.inf) for _ in range(2))
    for t in range(log_y.shape[1]):
        label[:, t + 1] = np.logaddexp(label[:, t], ready[:, t]) + emitted[:, t]
        blanks[:, t + 1] = np.logaddexp(blanks[:, t], label[:, t]) + log_y[:, t, blank]
    return _Prefixes(log_y, labels, label, blanks, prefixes.grown, prefixes.grown[rows, labels])


def _grown(prefixes, blank):
    """ln Ψ of the prefixes with each label after them: (n, V)."""
    log_y = prefixes.log_y
    rows = np.arange(len(log_y))
    either = np.logaddexp(prefixes.blank, prefixes.label)[:, :-1]        # φ of every label but the last one, (n, T)
    grown = _log_sum(either[..., None] + log_y, 1)
    again = prefixes.blank[:, :-1] + log_y[rows, :, prefixes.last]       # the last one needs a blank before it
    grown[rows, prefixes.last] = _log_sum(again, 1)
    grown[:, blank] = -np.inf
    return grown


def _whole(prefixes):
    """ln p of the prefixes as whole transcripts: (n,)."""
    return np.logaddexp(prefixes.blank[:, -1], prefixes.label[:, -1])


def _log_sum(x, axis):
    """ln Σ eˣ; of nothing but −∞ it is −∞."""
    largest = x.max(axis, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(x - largest).sum(axis)) + largest.squeeze(axis)
