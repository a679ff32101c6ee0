"""Random bigram languages, small enough to enumerate every caption of theirs."""

from itertools import product

import numpy as np

BOS, EOS, WORDS = 0, 1, 4


def language(seed, words=WORDS):
    """A random bigram language per example: log-probabilities (2, V, V) of the next word; nothing says BOS again."""
    p = np.random.default_rng(seed).dirichlet(np.full(words, 0.5), (2, words)) + 1e-6
    p[..., BOS] = 1e-12
    return np.log(p / p.sum(-1, keepdims=True))


def step_of(table):
    """A step of bigrams; its state is the example of each row."""
    def step(words, rows, state):
        examples = rows if state is None else state[rows]
        return table[examples, words], examples

    return step


def log_p_of(table, row, words):
    """Of a caption, its EOS among the words if it is closed."""
    path = (BOS, *words)
    return sum(table[row, a, b] for a, b in zip(path, path[1:]))


def every_caption(max_length):
    """All word sequences that close with EOS, or run to `max_length` without closing."""
    for length in range(1, max_length + 1):
        for words in product(range(1, WORDS), repeat=length):
            if EOS not in words[:-1] and (words[-1] == EOS or length == max_length):
                yield words


def without_eos(words):
    """As decoders return them."""
    return list(words[:-1] if words[-1] == EOS else words)
