r"""What all beam searches share: the partial captions of one example, and the loop that extends those of a batch.

In a batch every example has its own beams, one or, in a diverse search, several. One call of `step` serves them all.
"""

from typing import NamedTuple

import numpy as np

from .steps import refuse_prefixes, ruled

__all__ = ["Beam", "Hypothesis", "checked_beam", "divisor", "google_length_penalty", "searched"]


class Hypothesis(NamedTuple):
    """A caption that a search has found.

    Attributes
    ----------
    words : list of int
        Without `bos` and `eos`.
    score : float
        log p of the words, `eos` included, after the rules, divided by the length penalty.
    """

    words: list
    score: float


class _Partial(NamedTuple):
    """A caption that a beam may still extend."""

    row: int        # of the last call of `step`, from which it was made
    words: tuple
    log_p: float    # of its words
    penalty: float  # for words that other beams have said; 0 in a search by one beam


class Beam:
    """The captions of one example that a search goes on with, at most `width`, and those it has closed.

    Parameters
    ----------
    example : int
        The row of the first call of `step` to start from.
    width : int
    n : int
        How many closed captions are wanted.
    eos, max_length
        As for `greedy`.
    length_penalty : callable
        A caption's length, `eos` included, to what its log p is divided by.
    """

    def __init__(self, example, width, n, eos, max_length, length_penalty):
        self.open = [_Partial(example, (), 0.0, 0.0)]
        self.rows = [example]   # where the next words of the open captions stand in the coming answer of `step`
        self.closed = []
        self.width, self.n = width, n
        self.eos, self.max_length = eos, max_length
        self.length_penalty = length_penalty

    def advance(self, log_p, penalties):
        """Extend the open captions by a word each, keep the best, and return the last words of these.

        log_p (n, V) is the whole batch's; penalties (V,) are subtracted while choosing.
        """
        offers = []
        for row, partial in zip(self.rows, self.open):
            worth = log_p[row] - penalties
            for word in np.argsort(-worth, kind="stable")[:self.width].tolist():
                if log_p[row, word] > -np.inf:                           # or a rule forbids it
                    offers.append(_Partial(row, (*partial.words, word), partial.log_p + float(log_p[row, word]),
                                           partial.penalty + float(penalties[word])))
        best = sorted(offers, key=lambda p: p.penalty - p.log_p)[:self.width]
        self.open = [p for p in best if p.words[-1] != self.eos]
        self.closed += [self._hypothesis(p) for p in best if p.words[-1] == self.eos]
        if self.open and self._is_settled():
            self.open = []
        return [p.words[-1] for p in best]

    def _is_settled(self):
        """Whether no open caption can still come among the n best: its log p only falls, and its length has an end."""
        best_hope = max(p.log_p for p in self.open) / self.length_penalty(self.max_length)
        scores = sorted((found.score for found in self.closed), reverse=True)
        return len(scores) >= self.width and scores[self.n - 1] >= best_hope

    def found(self):
        """The n best captions, the open ones cut off, the best first."""
        everything = self.closed + [self._hypothesis(p) for p in self.open]
        return sorted(everything, key=lambda found: -found.score)[:self.n]

    def _hypothesis(self, partial):
        words = list(partial.words)
        score = partial.log_p / self.length_penalty(len(words))
        return Hypothesis(words[:-1] if words[-1] == self.eos else words, score)


def searched(name, step, batch, bos, max_length, beams, rules, diversity=0.0):
    """Extend all beams word by word until nothing is open: they then hold what they have found.

    Parameters
    ----------
    name : str
        What errors begin with.
    step, batch, bos, max_length, rules
        As for `greedy`.
    beams : list of B lists of Beam
        Of each example; in each list a beam avoids, as far as `diversity` says, the words that those before it choose
        at the same step.
    diversity : float
        What a word costs for each time it was chosen.
    """
    refuse_prefixes(name, step)
    words, rows, captions = np.full(batch, bos), np.arange(batch), [()] * batch
    state = None
    for _ in range(max_length):
        if not rows.size:
            break
        log_p, state = step(words, rows, state)
        log_p = ruled(name, log_p, captions, rules)
        for group in beams:
            chosen = np.zeros(log_p.shape[-1])                           # (V,): how often each word was
            for beam in group:
                np.add.at(chosen, beam.advance(log_p, diversity * chosen), 1)
        partials = _numbered([beam for group in beams for beam in group])
        words = np.array([p.words[-1] for p in partials], int)
        rows = np.array([p.row for p in partials], int)
        captions = [p.words for p in partials]


def _numbered(beams):
    """All open captions in a row; each beam is told where its own stand."""
    partials = []
    for beam in beams:
        beam.rows = range(len(partials), len(partials) + len(beam.open))
        partials += beam.open
    return partials


def google_length_penalty(alpha=0.6):
    r"""Divide log p by $\big((5 + t) / 6\big)^\alpha$, which is 1 for a single word and grows more slowly than t.

    For `length_penalty` of the beam searches.

    References
    ----------
    Wu et al. (2016), Google's neural machine translation system, eq. 14.

    Examples
    --------
    >>> google_length_penalty(1.0)(1), google_length_penalty(1.0)(7)
    (1.0, 2.0)
    """
    if not 0 <= alpha < np.inf:
        raise ValueError(f"google_length_penalty: alpha must not be negative; got {alpha}")
    return lambda length: ((5 + length) / 6)**alpha


def divisor(name, length_penalty):
    """The function of the length that a `length_penalty` means: itself, or t to the power of a number."""
    if callable(length_penalty):
        return length_penalty
    if not 0 <= length_penalty < np.inf:
        raise ValueError(f"{name}: length_penalty must not be negative; got {length_penalty}")
    return lambda length: length**length_penalty


def checked_beam(name, beam):
    """The width, refused below 1."""
    if beam < 1:
        raise ValueError(f"{name}: beam must be at least 1; got {beam}")
    return beam
