r"""Searching for a caption that is likely as a whole: several partial captions are kept at each step."""

from typing import NamedTuple

import numpy as np

from .steps import refuse_prefixes

__all__ = ["beam_search"]


def beam_search(step, batch, bos, eos, max_length, beam=4, length_penalty=1.0):
    r"""The best of many partial captions, `beam` of them kept at each step.

    Scores are $\log p(w_1 \dots w_t) / t^{\gamma}$ with γ = `length_penalty`: 0 favours short captions, 1 compares the
    mean per word.

    Parameters
    ----------
    step, batch, bos, eos, max_length
        As for `greedy`; with `beam=1` the two agree.
    beam : int
    length_penalty : float

    Returns
    -------
    list of list of int

    Examples
    --------
    >>> table = np.log(np.array([[.01, .5, .48, .01], [.3, .3, .3, .1], [.01, .01, .01, .97], [.25, .25, .25, .25]]))
    >>> beam_search(lambda words, rows, state: (table[words], state), 1, bos=0, eos=3, max_length=3, beam=2)
    [[2]]
    """
    if beam < 1:
        raise ValueError(f"beam_search: beam must be at least 1; got {beam}")
    refuse_prefixes("beam_search", step)
    alive = {example: [_Partial(example, example, 0.0, (bos,))] for example in range(batch)}
    closed = {example: [] for example in range(batch)}
    state = None
    for length in range(1, max_length + 1):
        partials = [partial for several in alive.values() for partial in several]
        if not partials:
            break
        words = np.array([p.words[-1] for p in partials])
        rows = np.array([p.row for p in partials])
        log_p, state = step(words, rows, state)
        offers = _offers(partials, log_p, beam)
        alive = {}
        for example, candidates in offers.items():
            best = sorted(candidates, key=lambda p: -p.score)[:beam]
            closed[example] += [(p.score / length**length_penalty, p.words) for p in best if p.words[-1] == eos]
            still = [p for p in best if p.words[-1] != eos]
            if still and not _settled(closed[example], still, length_penalty, max_length, beam):
                alive[example] = still
    for example, several in alive.items():
        closed[example] += [(p.score / max_length**length_penalty, p.words) for p in several]
    return [_until(max(closed[example], key=lambda c: c[0])[1][1:], eos) for example in range(batch)]


class _Partial(NamedTuple):
    """A caption that a beam search may still extend."""

    example: int
    row: int        # of the last call of `step`, from which it was made
    score: float    # log p of its words
    words: tuple


def _offers(partials, log_p, beam):
    """Example → each of its partial captions, extended by each of the `beam` words likeliest to follow."""
    offers = {p.example: [] for p in partials}
    for row, (p, next_words) in enumerate(zip(partials, log_p)):
        for word in np.argsort(-next_words, kind="stable")[:beam]:
            score = p.score + float(next_words[word])
            offers[p.example].append(_Partial(p.example, row, score, (*p.words, int(word))))
    return offers


def _settled(closed, still, length_penalty, max_length, beam):
    """Whether no open caption can still beat the closed ones: its score only falls, its length at most max_length."""
    best_hope = max(p.score for p in still) / max_length**length_penalty
    return len(closed) >= beam and max(score for score, _ in closed) >= best_hope


def _until(words, eos):
    """The words before the first `eos`, as a list."""
    return list(words[:words.index(eos)] if eos in words else words)
