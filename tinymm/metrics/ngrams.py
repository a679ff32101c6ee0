"""Counting n-grams, the runs of n consecutive tokens that BLEU and CIDEr-D compare."""

from collections import Counter

__all__ = ["ngram_counts"]


def ngram_counts(tokens, n):
    """Count the n-grams of one order in a token sequence.

    Parameters
    ----------
    tokens : sequence of T hashable tokens
    n : int
        The order, at least 1.

    Returns
    -------
    collections.Counter
        From n-gram (a tuple of n tokens) to its count; the counts sum to max(0, T - n + 1).

    Raises
    ------
    ValueError
        If `n` is below 1.

    Examples
    --------
    >>> ngram_counts("a b a b".split(), 2)
    Counter({('a', 'b'): 2, ('b', 'a'): 1})
    """
    if n < 1:
        raise ValueError(f"ngram_counts: n must be at least 1; got {n}")
    return Counter(zip(*(tokens[start:] for start in range(n))))
