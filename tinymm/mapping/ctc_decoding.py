r"""From CTC's probabilities per frame to a transcript: the best path, and the best transcript by prefix beam search.

A transcript's probability is a sum over the paths that spell it, so the best path need not spell the best transcript.
NumPy and plain Python; no Tensor comes here.
"""

import math
from itertools import groupby

import numpy as np

__all__ = ["collapse", "ctc_beam_search", "ctc_greedy"]


def collapse(path, blank=0):
    r"""What a path spells, $\mathcal B(\pi)$: repeats merged, then blanks dropped.

    Parameters
    ----------
    path : sequence of int
        A label per frame.
    blank : int

    Returns
    -------
    list of int

    References
    ----------
    Graves et al., "Connectionist temporal classification", 2006, §3.1.

    Examples
    --------
    >>> collapse([0, 3, 3, 0, 3, 1, 1])
    [3, 3, 1]
    """
    return [int(label) for label, _ in groupby(path) if label != blank]


def ctc_greedy(log_probs, lengths, blank=0):
    r"""The transcript of the likeliest path: the likeliest label in each frame, collapsed.

    Parameters
    ----------
    log_probs : ndarray, (T, B, V)
        As for `ctc_loss`; scores do as well.
    lengths : sequence of int, (B,)
        Real frames of each example.
    blank : int

    Returns
    -------
    list of list of int
        B transcripts.

    Raises
    ------
    ValueError
        If shapes or lengths do not fit.

    Examples
    --------
    >>> y = np.array([[[0.6, 0.4]], [[0.6, 0.4]]])
    >>> ctc_greedy(np.log(y), [2])
    [[]]
    """
    frames = checked_lengths("ctc_greedy", log_probs, lengths, blank)
    return [collapse(path[:n], blank) for path, n in zip(log_probs.argmax(-1).T, frames)]


def ctc_beam_search(log_probs, lengths, blank=0, beam=16, language_model=None, weight=1.0, bonus=0.0):
    r"""The most probable transcript, by prefix beam search: $\arg\max_l \ln p(l) + \lambda\ln p_{\text{LM}}(l) + \beta\,|l|$.

    Of each prefix two numbers are kept: the probability of the paths so far that spell it and end in a blank, and of those
    that end in its last label. Only after a blank can the same label come again as a new one.

    Parameters
    ----------
    log_probs : ndarray, (T, B, V)
        As for `ctc_loss`, normalised.
    lengths : sequence of int, (B,)
        Real frames of each example.
    blank : int
    beam : int
        Prefixes kept after each frame. If that is all of them, the answer is exact.
    language_model : callable, optional
        `language_model(prefix, label)` → $\ln p(\text{label} \mid \text{prefix})$, prefix a tuple of labels; label None: the
        transcript ends here. `data.NgramModel` is one.
    weight, bonus : float
        λ and β. A language model makes long transcripts improbable; the bonus per label makes up for it.

    Returns
    -------
    list of list of int
        B transcripts.

    Raises
    ------
    ValueError
        If shapes or lengths do not fit, or the beam has no room.

    References
    ----------
    Graves and Jaitly, "Towards end-to-end speech recognition with recurrent neural networks", 2014, algorithm 1; Hannun,
    Maas, Jurafsky and Ng, "First-pass large vocabulary continuous speech recognition", 2014, algorithm 1.

    Examples
    --------
    >>> y = np.array([[[0.6, 0.4]], [[0.6, 0.4]]])              # nothing: .6 · .6; label 1: all the rest
    >>> ctc_beam_search(np.log(y), [2])
    [[1]]
    """
    frames = checked_lengths("ctc_beam_search", log_probs, lengths, blank)
    if beam < 1:
        raise ValueError(f"ctc_beam_search: beam must be at least 1; got {beam}")
    prior = Prior(language_model, weight, bonus)
    return [searched(log_probs[:n, b].tolist(), blank, beam, prior) for b, n in enumerate(frames)]


def searched(log_y, blank, beam, prior):
    """The best transcript of one example: a list of T lists of V log-probabilities."""
    beams = {(): (0.0, -math.inf)}              # prefix -> ln p of paths that end in a blank, and in its last label
    for log_p in log_y:
        reached = {}
        for prefix, (blanks, labels) in beams.items():
            either = log_add(blanks, labels)
            add(reached, prefix, 0, either + log_p[blank])
            for label, log_label in enumerate(log_p):
                if label == blank:
                    continue
                repeats = prefix and prefix[-1] == label
                if repeats:
                    add(reached, prefix, 1, labels + log_label)
                add(reached, (*prefix, label), 1, (blanks if repeats else either) + log_label)
        best = sorted(reached, key=lambda prefix: log_add(*reached[prefix]) + prior(prefix), reverse=True)
        beams = {prefix: reached[prefix] for prefix in best[:beam]}
    return list(max(beams, key=lambda prefix: log_add(*beams[prefix]) + prior(prefix, closed=True)))


class Prior:
    """λ ln p_LM + β |l| of prefixes, remembered."""

    def __init__(self, language_model, weight, bonus):
        self.language_model, self.weight, self.bonus = language_model, weight, bonus
        self.known = {(): 0.0}

    def __call__(self, prefix, closed=False):
        """Of the prefix as it stands, or as a whole transcript."""
        if prefix not in self.known:
            self.known[prefix] = self(prefix[:-1]) + self.bonus + self.of_next(prefix[:-1], prefix[-1])
        return self.known[prefix] + (self.of_next(prefix, None) if closed else 0.0)

    def of_next(self, prefix, label):
        return self.weight * self.language_model(prefix, label) if self.language_model else 0.0


def add(reached, prefix, ending, log_p):
    """Add to one of the two probabilities of a prefix."""
    pair = list(reached.get(prefix, (-math.inf, -math.inf)))
    pair[ending] = log_add(pair[ending], log_p)
    reached[prefix] = tuple(pair)


def log_add(a, b):
    """ln(eᵃ + eᵇ)."""
    low, high = (a, b) if a < b else (b, a)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def checked_lengths(name, log_probs, lengths, blank):
    """The lengths as ints, once shapes have been found to fit."""
    if log_probs.ndim != 3 or not 0 <= blank < log_probs.shape[2]:
        raise ValueError(f"{name}: log_probs must be (T, B, V) with a blank below V; got {log_probs.shape} and {blank}")
    frames = np.asarray(lengths, int)
    if frames.shape != log_probs.shape[1:2] or frames.size and not 0 <= frames.min() <= frames.max() <= len(log_probs):
        raise ValueError(f"{name}: needs B = {log_probs.shape[1]} lengths from 0 to T = {len(log_probs)}; got {frames.tolist()}")
    return frames.tolist()
