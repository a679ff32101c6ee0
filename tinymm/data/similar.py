"""An order of examples in which those that are alike come together, so that a batch holds pairs hard to tell apart."""

import numpy as np

__all__ = ["order_by_likeness"]

SEEDS = 64  # that are compared with all examples at a time


def order_by_likeness(vectors, size, rng):
    r"""All rows once, in random order, but in groups: a row and those of the remaining ones that are most like it.

    Likeness to a row is $\sum_k m_k v_{ik} v_{jk}$, where each $m_k$ is 0 or 1, drawn anew for each group: its rows are
    alike in a random half of the terms. Alike in all, they would never differ in some terms, which then need not be
    learned.

    Parameters
    ----------
    vectors : array or sparse array (N, V)
        Not negative, such as tf-idf of captions.
    size : int
        Rows of a group; the last ones may be smaller.
    rng : numpy.random.Generator
        Draws the first row of each group, what its rows are alike in, and the order of the groups.

    Returns
    -------
    int array (N,)

    References
    ----------
    Yuksekgonul et al. (2023), When and why vision-language models behave like bags-of-words, and what to do about it,
    §4: batches of neighbours, there of pictures.

    Examples
    --------
    >>> vectors = np.repeat(np.eye(2), 12, axis=1)[[0, 1, 0, 1]]                # two kinds of two rows
    >>> sorted(sorted(pair) for pair in order_by_likeness(vectors, 2, np.random.default_rng(0)).reshape(2, 2).tolist())
    [[0, 2], [1, 3]]
    """
    if size < 1:
        raise ValueError(f"order_by_likeness: groups must have at least 1 row; got {size}")
    remains = np.ones(vectors.shape[0], bool)
    waiting, groups = rng.permutation(len(remains)), []
    while len(waiting):
        seeds = waiting[:SEEDS]
        known = vectors[seeds] * (rng.random((len(seeds), vectors.shape[1])) < 0.5)         # v ∘ m: (seeds, V)
        likeness = known @ vectors.T                                     # (seeds, N)
        likeness = likeness if isinstance(likeness, np.ndarray) else likeness.toarray()
        for seed, to_others in zip(seeds, likeness):
            if remains[seed]:
                remains[seed] = False
                likest = _largest(np.where(remains, to_others, -1), min(size - 1, int(remains.sum())))
                remains[likest] = False
                groups.append([seed, *likest])
        waiting = waiting[remains[waiting]]
    return np.concatenate([groups[i] for i in rng.permutation(len(groups))])


def _largest(values, k):
    """Where the k largest are."""
    return np.argpartition(-values, k - 1)[:k] if k else np.empty(0, int)
