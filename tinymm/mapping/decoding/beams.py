r"""Searching for captions that are likely as a whole: the best, the n best, the best of several diverse searches."""

from .search import Beam, checked_beam, divisor, searched

__all__ = ["beam_search", "diverse_beam_search", "n_best"]


def beam_search(step, batch, bos, eos, max_length, beam=4, length_penalty=1.0, rules=()):
    r"""The best of many partial captions, `beam` of them kept at each step.

    Scores are $\log p(w_1 \dots w_t) / t^{\gamma}$ with γ = `length_penalty`: 0 favours short captions, 1 compares the
    mean per word.

    Parameters
    ----------
    step, batch, bos, eos, max_length, rules
        As for `greedy`; with `beam=1` the two agree.
    beam : int
    length_penalty : float or callable
        γ ≥ 0; or a function of the length t, `eos` included, that gives what to divide by and does not fall with t:
        `google_length_penalty(0.6)`, say.

    Returns
    -------
    list of list of int
        B captions, without `bos` and `eos`.

    Examples
    --------
    >>> import numpy as np
    >>> table = np.log(np.array([[.01, .5, .48, .01], [.3, .3, .3, .1], [.01, .01, .01, .97], [.25, .25, .25, .25]]))
    >>> beam_search(lambda words, rows, state: (table[words], state), 1, bos=0, eos=3, max_length=3, beam=2)
    [[2]]
    """
    found = _n_best("beam_search", step, batch, bos, eos, max_length, 1, beam, length_penalty, rules)
    return [best.words for best, in found]


def n_best(step, batch, bos, eos, max_length, n, beam=4, length_penalty=1.0, rules=()):
    r"""The n best captions that a beam search finds, with their scores.

    Parameters
    ----------
    step, batch, bos, eos, max_length, beam, length_penalty, rules
        As for `beam_search`, which returns the first of them.
    n : int
        At most `beam`.

    Returns
    -------
    list of list of Hypothesis
        For each of the B examples up to n pairs (words, score), the best first. Those shorter than `max_length` are
        closed.

    Examples
    --------
    >>> import numpy as np
    >>> table = np.log(np.array([[.01, .5, .48, .01], [.3, .3, .3, .1], [.01, .01, .01, .97], [.25, .25, .25, .25]]))
    >>> found, = n_best(lambda words, rows, state: (table[words], state), 1, 0, 3, 2, n=2, beam=3, length_penalty=0)
    >>> [(words, round(float(np.exp(score)), 4)) for words, score in found]           # .48 · .97 and .5 · .3
    [([2], 0.4656), ([1, 0], 0.15)]
    """
    if not 1 <= n <= beam:
        raise ValueError(f"n_best: n must lie in 1..beam; got {n} with a beam of {beam}")
    return _n_best("n_best", step, batch, bos, eos, max_length, n, beam, length_penalty, rules)


def diverse_beam_search(step, batch, bos, eos, max_length, beam=4, groups=4, diversity=0.5, length_penalty=1.0,
                        rules=()):
    r"""Several beam searches side by side, each of which avoids the words of those before it.

    At step t group g adds to $\log p(w)$ of each word $-\lambda\,$(how many captions of the groups before it have
    chosen w at this step): the Hamming distance, as a reward. It costs the calls of `step` of one search.

    Parameters
    ----------
    step, batch, bos, eos, max_length, length_penalty, rules
        As for `beam_search`, to which one group comes down.
    beam : int
        Captions kept at each step, in all groups together.
    groups : int
        G, a divisor of `beam`. With as many groups as captions each is found greedily; the paper prefers this.
    diversity : float
        λ ≥ 0, in nats. At 0 all groups find the same.

    Returns
    -------
    list of list of Hypothesis
        For each of the B examples the best caption of each group, the best first; of groups that agree, one.

    Notes
    -----
    The penalties of a caption add up over its words, as in the authors' code, and steer the search alone: `score` is
    the model's, so that what the groups have found is compared without them.

    References
    ----------
    Vijayakumar et al. (2018), Diverse beam search for improved description of complex scenes, algorithm 1, §4.

    Examples
    --------
    >>> import numpy as np
    >>> closing = [.01, .01, .01, .97]
    >>> table = np.log(np.array([[.01, .5, .48, .01], closing, closing, closing]))
    >>> def step(words, rows, state):
    ...     return table[words], state
    >>> [words for words, _ in diverse_beam_search(step, 1, 0, 3, 3, beam=2, groups=2, diversity=0.0)[0]]
    [[1]]
    >>> [words for words, _ in diverse_beam_search(step, 1, 0, 3, 3, beam=2, groups=2, diversity=0.5)[0]]
    [[1], [2]]
    """
    name = "diverse_beam_search"
    checked_beam(name, beam)
    if groups < 1 or beam % groups:
        raise ValueError(f"{name}: groups must divide beam; got {groups} with a beam of {beam}")
    if not 0 <= diversity < float("inf"):
        raise ValueError(f"{name}: diversity must not be negative; got {diversity}")
    penalty = divisor(name, length_penalty)
    beams = [[Beam(example, beam // groups, 1, eos, max_length, penalty) for _ in range(groups)]
             for example in range(batch)]
    searched(name, step, batch, bos, max_length, beams, rules, diversity)
    return [_distinct([best for one in group for best in one.found()]) for group in beams]


def _n_best(name, step, batch, bos, eos, max_length, n, beam, length_penalty, rules):
    penalty = divisor(name, length_penalty)
    beams = [Beam(example, checked_beam(name, beam), n, eos, max_length, penalty) for example in range(batch)]
    searched(name, step, batch, bos, max_length, [[one] for one in beams], rules)
    return [one.found() for one in beams]


def _distinct(found):
    """Hypotheses, the best first, none twice."""
    ranked = sorted(found, key=lambda hypothesis: -hypothesis.score)
    return [one for i, one in enumerate(ranked) if one.words not in [other.words for other in ranked[:i]]]
