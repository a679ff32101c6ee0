r"""From a distribution over the next word to a caption: greedy, beam search, sampling.

All three ask the model through one function, `step(prefixes, rows)`: prefixes (n, t) int, rows (n,) int, the example
each prefix belongs to; it answers with log-probabilities (n, V) of the next word. No Tensor comes here.
"""


import numpy as np

__all__ = ["beam_search", "filter_logits", "greedy", "sample"]


def greedy(step, batch, bos, eos, max_length):
    r"""The likeliest word at each step: $w_{t+1} = \arg\max_w p(w \mid w_{\le t})$.

    Parameters
    ----------
    step : callable
        `step(prefixes, rows)` → log-probabilities (n, V).
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
    >>> greedy(lambda prefixes, rows: table[prefixes[:, -1]], 1, bos=0, eos=3, max_length=5)
    [[2]]
    """
    return _roll(step, batch, bos, eos, max_length, lambda log_p: log_p.argmax(-1))


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
    >>> sample(lambda prefixes, rows: table[prefixes[:, -1]], 2, 0, 3, 5, rng, top_k=1)
    [[2], [2]]
    """
    if not temperature > 0:
        raise ValueError(f"sample: temperature must be positive; got {temperature}")

    def draw(log_p):
        kept = filter_logits(log_p / temperature, top_k, top_p)
        gumbel = -np.log(-np.log(rng.uniform(1e-12, 1, kept.shape)))     # argmax(log p + Gumbel) ~ p
        return (kept + gumbel).argmax(-1)

    return _roll(step, batch, bos, eos, max_length, draw)


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


def _roll(step, batch, bos, eos, max_length, choose):
    """Extend all examples word by word until each has closed."""
    words = np.full((batch, 1), bos)
    open_rows = np.arange(batch)
    while open_rows.size and words.shape[1] <= max_length:
        chosen = np.full(batch, eos)
        chosen[open_rows] = choose(step(words[open_rows], open_rows))
        words = np.concatenate([words, chosen[:, None]], 1)
        open_rows = open_rows[chosen[open_rows] != eos]
    return [_until(row[1:], eos) for row in words]


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
    >>> beam_search(lambda prefixes, rows: table[prefixes[:, -1]], 1, bos=0, eos=3, max_length=3, beam=2)
    [[2]]
    """
    if beam < 1:
        raise ValueError(f"beam_search: beam must be at least 1; got {beam}")
    alive = {row: [(0.0, (bos,))] for row in range(batch)}
    closed = {row: [] for row in range(batch)}
    for length in range(1, max_length + 1):
        entries = [(row, score, words) for row, beams in alive.items() for score, words in beams]
        if not entries:
            break
        log_p = step(np.array([words for _, _, words in entries]), np.array([row for row, _, _ in entries]))
        offers = {row: [] for row in alive}
        for (row, score, words), next_words in zip(entries, log_p):
            for word in np.argsort(-next_words, kind="stable")[:beam]:
                offers[row].append((score + float(next_words[word]), (*words, int(word))))
        alive = {}
        for row, candidates in offers.items():
            best = sorted(candidates, key=lambda c: -c[0])[:beam]
            closed[row] += [(score / length**length_penalty, words) for score, words in best if words[-1] == eos]
            still = [c for c in best if c[1][-1] != eos]
            if still and not _settled(closed[row], still, length_penalty, max_length, beam):
                alive[row] = still
    for row, beams in alive.items():
        closed[row] += [(score / max_length**length_penalty, words) for score, words in beams]
    return [_until(np.array(max(closed[row], key=lambda c: c[0])[1][1:], int), eos) for row in range(batch)]


def _settled(closed, still, length_penalty, max_length, beam):
    """Whether no open caption can still beat the closed ones: its score only falls, its length at most max_length."""
    best_hope = max(score for score, _ in still) / max_length**length_penalty
    return len(closed) >= beam and max(score for score, _ in closed) >= best_hope


def _until(words, eos):
    """The words before the first `eos`, as a list of ints."""
    words = words.tolist()
    return words[:words.index(eos)] if eos in words else words
