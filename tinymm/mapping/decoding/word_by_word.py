r"""One word at a time, once chosen never changed: the loop of greedy decoding and of sampling."""

from typing import NamedTuple

import numpy as np

from .steps import refuse_prefixes, ruled

__all__ = ["Decoded", "greedy", "likeliest", "roll_out"]


class Decoded(NamedTuple):
    """Captions of a batch, and how each came to its end.

    Attributes
    ----------
    words : list of B lists of int
        Without `bos` and `eos`.
    closed : boolean array (B,)
        True where `eos` was chosen, False where the caption was cut at `max_length`.
    log_p : float array (B,)
        The model's log-probability of the words, of `eos` too where the caption is closed: as `step` tells it, before
        rules, temperature and filters.
    """

    words: list
    closed: np.ndarray
    log_p: np.ndarray


def greedy(step, batch, bos, eos, max_length, rules=()):
    r"""The likeliest word at each step: $w_{t+1} = \arg\max_w p(w \mid w_{\le t})$.

    Parameters
    ----------
    step : callable
        `step(words, rows, state)` → log-probabilities (n, V) of the next words, and the new state; see
        `tinymm.mapping.decoding`.
    batch : int
        B, number of examples.
    bos, eos : int
        The first and the closing word.
    max_length : int
        At most so many words after `bos`, `eos` included.
    rules : sequence of callable
        `rule(log_p, captions)` → log_p; see `tinymm.mapping.decoding.rules`.

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
    return roll_out(step, batch, bos, eos, max_length, likeliest, rules, name="greedy").words


def likeliest(log_p):
    """What greedy decoding chooses: log_p (n, V) to words (n,)."""
    return log_p.argmax(-1)


def roll_out(step, batch, bos, eos, max_length, choose, rules=(), *, name="roll_out"):
    r"""Extend all examples word by word until each has closed or is `max_length` words long.

    `greedy` and `sample` are this loop with `likeliest` and `drawing(rng, ...)`, and keep the words alone.

    Parameters
    ----------
    step, batch, bos, eos, max_length, rules
        As for `greedy`.
    choose : callable
        log-probabilities (n, V), after the rules, to words (n,) int.
    name : str
        What errors begin with.

    Returns
    -------
    Decoded

    Examples
    --------
    >>> table = np.log(np.array([[.1, .2, .7, .0001], [.6, .1, .1, .2], [.1, .1, .1, .7], [.25, .25, .25, .25]]))
    >>> found = roll_out(lambda words, rows, state: (table[words], state), 1, 0, 3, 5, likeliest)
    >>> found.words, found.closed.tolist(), np.exp(found.log_p).round(4).tolist()     # 0.7 · 0.7
    ([[2]], [True], [0.49])
    >>> roll_out(lambda words, rows, state: (table[words], state), 1, 0, 3, 1, likeliest).closed.tolist()
    [False]
    """
    refuse_prefixes(name, step)
    captions = [[] for _ in range(batch)]
    closed = np.zeros(batch, bool)
    total = np.zeros(batch)
    unfinished = rows = np.arange(batch)                                 # of the examples; of the last call
    words, state = np.full(batch, bos), None
    for _ in range(max_length):
        if not unfinished.size:
            break
        log_p, state = step(words, rows, state)
        chosen = choose(ruled(name, log_p, [captions[example] for example in unfinished], rules))
        total[unfinished] += log_p[np.arange(len(chosen)), chosen]
        closed[unfinished] = chosen == eos
        rows = np.flatnonzero(chosen != eos)
        unfinished, words = unfinished[rows], chosen[rows]
        for example, word in zip(unfinished, words.tolist()):
            captions[example].append(word)
    return Decoded(captions, closed, total)
