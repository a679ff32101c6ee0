r"""From CTC's probabilities per frame to a transcript: the best path, and the best transcript by prefix beam search.

A transcript's probability is a sum over the paths that spell it, so the best path need not spell the best transcript.
NumPy and plain Python; no Tensor comes here.
"""

from itertools import groupby

import numpy as np

__all__ = ["checked_lengths", "collapse", "ctc_beam_search", "ctc_greedy"]


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
    r"""The most probable transcript, by prefix beam search.

    $$\arg\max_l\; \ln p(l) + \lambda\ln p_{\text{LM}}(l) + \mu\,|l|$$

    Of each prefix two numbers are kept: the probability of the paths so far that spell it and end in a blank, and of
    those that end in its last label. Only after a blank can the same label come again as a new one.

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
        `language_model(prefix, label)` → $\ln p(\text{label} \mid \text{prefix})$, prefix a tuple of labels; label
        None: the transcript ends here. `data.NgramModel` is one.
    weight, bonus : float
        λ and μ. A language model makes long transcripts improbable; the bonus per label makes up for it.

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
    Graves and Jaitly, "Towards end-to-end speech recognition with recurrent neural networks", 2014, algorithm 1;
    Hannun, Maas, Jurafsky and Ng, "First-pass large vocabulary continuous speech recognition", 2014, algorithm 1.

    Examples
    --------
    >>> y = np.array([[[0.6, 0.4]], [[0.6, 0.4]]])              # nothing: .6 · .6; label 1: all the rest
    >>> ctc_beam_search(np.log(y), [2])
    [[1]]
    """
    frames = checked_lengths("ctc_beam_search", log_probs, lengths, blank)
    if beam < 1:
        raise ValueError(f"ctc_beam_search: beam must be at least 1; got {beam}")
    prior = _Prior(language_model, weight, bonus, range(log_probs.shape[2]), blank)
    return [_searched(log_probs[:n, b], blank, beam, prior) for b, n in enumerate(frames)]


def _searched(log_y, blank, beam, prior):
    """The best transcript of one example (T, V)."""
    prefixes, blanks, labels = [()], np.zeros(1), np.full(1, -np.inf)       # ln p: paths that end in a blank, a label
    for log_p in log_y:
        rows, last = np.arange(len(prefixes)), np.array([prefix[-1] if prefix else blank for prefix in prefixes])
        either = np.logaddexp(blanks, labels)
        grown = either[:, None] + log_p                                     # (n, V): by one label,
        grown[rows, last] = blanks + log_p[last]                            # which is a new one only after a blank
        grown[:, blank] = -np.inf
        blanks, labels = either + log_p[blank], np.where(last == blank, -np.inf, labels + log_p[last])
        place = {prefix: i for i, prefix in enumerate(prefixes)}
        # what grows into a prefix that is here already
        for i, prefix in enumerate(prefixes):
            parent = place.get(prefix[:-1]) if prefix else None
            if parent is not None:
                labels[i] = np.logaddexp(labels[i], grown[parent, last[i]])
                grown[parent, last[i]] = -np.inf
        p = np.concatenate([np.logaddexp(blanks, labels)[:, None], grown], 1)           # (n, 1 + V): as it is, grown
        score = np.ravel(p + np.stack([prior(prefix) for prefix in prefixes]))
        best = np.argsort(-score, kind="stable")[:min(beam, max(1, np.count_nonzero(p > -np.inf)))]
        row, label = np.divmod(best, p.shape[1])
        label = label - 1                                                   # −1: as it is
        prefixes = [prefixes[i] if k < 0 else (*prefixes[i], int(k)) for i, k in zip(row, label)]
        blanks, labels = np.where(label < 0, blanks[row], -np.inf), np.where(label < 0, labels[row], grown[row, label])
    score = np.logaddexp(blanks, labels) + [prior(prefix)[0] + prior.of_next(prefix, None) for prefix in prefixes]
    return list(prefixes[score.argmax()])


class _Prior:
    """λ ln p_LM + μ |l| of prefixes, remembered."""

    def __init__(self, language_model, weight, bonus, labels, blank):
        self.language_model, self.weight, self.bonus, self.labels, self.blank = \
            language_model, weight, bonus, labels, blank
        self.known = {}

    def __call__(self, prefix):
        """Of a prefix as it is, and grown by each label: (1 + V,)."""
        if prefix not in self.known:
            own = self(prefix[:-1])[1 + prefix[-1]] if prefix else 0.0
            grown = [0.0 if k == self.blank else own + self.bonus + self.of_next(prefix, k) for k in self.labels]
            self.known[prefix] = np.array([own, *grown])
        return self.known[prefix]

    def of_next(self, prefix, label):
        """What the language model says to a label, or with None to the end, after a prefix."""
        return self.weight * self.language_model(prefix, label) if self.language_model else 0.0


def checked_lengths(name, log_probs, lengths, blank):
    """The lengths as ints, once shapes have been found to fit."""
    if log_probs.ndim != 3 or not 0 <= blank < log_probs.shape[2]:
        raise ValueError(f"{name}: log_probs must be (T, B, V) with a blank below V; got {log_probs.shape} and {blank}")
    frames = np.asarray(lengths, int)
    if frames.shape != log_probs.shape[1:2] or frames.size and not 0 <= frames.min() <= frames.max() <= len(log_probs):
        raise ValueError(f"{name}: needs B = {log_probs.shape[1]} lengths from 0 to T = {len(log_probs)}; "
                         f"got {frames.tolist()}")
    return frames.tolist()
