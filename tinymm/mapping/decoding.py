r"""From a distribution over the next word to a caption: greedy, beam search, sampling.

All three ask the model through one function, `step(words, rows, state) -> (log_p, state)`:

- `words`, int array (n,): the newest word of each of n unfinished captions, at the first call `bos`;
- `rows`, int array (n,): for each of them the row of the previous call that it continues; at the first call, the number
  of the example that it belongs to;
- `state`: whatever the step keeps between calls, caches of keys and values say; None at the first call. A step may
  change it in place: only the one that came back last is used again;
- `log_p`, float array (n, V): the log-probabilities of the next word.

A beam may continue one row twice and another not at all: a step that keeps a state first brings it into the order of
`rows`. No Tensor comes here.
"""

import inspect
from typing import NamedTuple

import numpy as np

__all__ = ["beam_search", "filter_logits", "greedy", "sample"]


def greedy(step, batch, bos, eos, max_length):
    r"""The likeliest word at each step: $w_{t+1} = \arg\max_w p(w \mid w_{\le t})$.

    Parameters
    ----------
    step : callable
        `step(words, rows, state)` → log-probabilities (n, V) of the next words, and the new state; see the module.
    batch : int
        B, number of examples.
    bos, eos : int
        The first and the closing word.
    max_length : int
        At most so many words after `bos`, `eos` included.

    Returns
    -------
    list of list of int
        B captions, without `bos` and `eos`.

    Examples
    --------
    >>> table = np.log(np.array([[.1, .2, .7, .0001], [.6, .1, .1, .2], [.1, .1, .1, .7], [.25, .25, .25, .25]]))
    >>> greedy(lambda words, rows, state: (table[words], state), 1, bos=0, eos=3, max_length=5)
    [[2]]
    """
    return _roll("greedy", step, batch, bos, eos, max_length, lambda log_p: log_p.argmax(-1))


def sample(step, batch, bos, eos, max_length, rng, temperature=1.0, top_k=None, top_p=None):
    r"""Draw each word: $w_{t+1} \sim \mathrm{softmax}(\log p / \tau)$, restricted by `top_k` or `top_p`.

    Parameters
    ----------
    step, batch, bos, eos, max_length
        As for `greedy`.
    rng : numpy.random.Generator
    temperature : float
        τ > 0; below 1 sharper, above 1 flatter.
    top_k : int, optional
        Only the k likeliest words.
    top_p : float, optional
        Only the smallest set of words that together have probability at least p (Holtzman et al. 2020, eq. 2).

    Returns
    -------
    list of list of int

    Examples
    --------
    >>> table = np.log(np.array([[.1, .2, .7, .0001], [.6, .1, .1, .2], [.1, .1, .1, .7], [.25, .25, .25, .25]]))
    >>> rng = np.random.default_rng(0)
    >>> sample(lambda words, rows, state: (table[words], state), 2, 0, 3, 5, rng, top_k=1)
    [[2], [2]]
    """
    if not temperature > 0:
        raise ValueError(f"sample: temperature must be positive; got {temperature}")

    def draw(log_p):
        kept = filter_logits(log_p / temperature, top_k, top_p)
        gumbel = -np.log(-np.log(rng.uniform(1e-12, 1, kept.shape)))     # argmax(log p + Gumbel) ~ p
        return (kept + gumbel).argmax(-1)

    return _roll("sample", step, batch, bos, eos, max_length, draw)


def filter_logits(logits, top_k=None, top_p=None):
    """Set to -inf all but the k likeliest words, and all but the nucleus of probability p.

    Examples
    --------
    >>> filter_logits(np.log(np.array([0.5, 0.3, 0.2])), top_p=0.6)
    array([-0.69314718, -1.2039728 ,        -inf])
    """
    if top_k is not None and top_k < 1:
        raise ValueError(f"filter_logits: top_k must be at least 1; got {top_k}")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"filter_logits: top_p must lie in (0, 1]; got {top_p}")
    order = np.argsort(-logits, axis=-1, kind="stable")
    ranked = np.take_along_axis(logits, order, -1)
    keep = np.ones(ranked.shape, bool)
    if top_k is not None:
        keep[..., top_k:] = False
    if top_p is not None:
        p = np.exp(ranked - ranked.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        keep &= np.cumsum(p, -1) - p < top_p                             # the word that crosses p stays
    filtered = np.empty_like(logits)
    np.put_along_axis(filtered, order, np.where(keep, ranked, -np.inf), -1)
    return filtered


def _roll(name, step, batch, bos, eos, max_length, choose):
    """Extend all examples word by word until each has closed."""
    _refuse_prefixes(name, step)
    captions = [[] for _ in range(batch)]
    unfinished = rows = np.arange(batch)                                 # of the examples; of the last call
    words, state = np.full(batch, bos), None
    for _ in range(max_length):
        if not unfinished.size:
            break
        log_p, state = step(words, rows, state)
        chosen = choose(log_p)
        rows = np.flatnonzero(chosen != eos)
        unfinished, words = unfinished[rows], chosen[rows]
        for example, word in zip(unfinished, words.tolist()):
            captions[example].append(word)
    return captions


def _refuse_prefixes(name, step):
    """For one release: a step of the earlier form, step(prefixes, rows), is refused with the new one."""
    try:
        signature = inspect.signature(step)
    except ValueError:                                                   # written in C, it does not tell
        return
    try:
        signature.bind("words", "rows", "state")
    except TypeError:
        raise ValueError(f"{name}: step must be step(words, rows, state) -> (log_p, state), words the newest of each "
                         f"caption and rows those of the last call; got step{signature}") from None


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
    _refuse_prefixes("beam_search", step)
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
