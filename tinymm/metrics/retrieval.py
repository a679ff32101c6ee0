"""Recall@K and median rank: where a query's true match stands among the candidates, sorted by similarity.

The similarity comes from a contrastive model: queries in rows, candidates (the gallery) in columns.
"""

import numpy as np

__all__ = ["median_rank", "recall_at_k", "target_ranks"]


def target_ranks(similarity, targets=None):
    """Rank of each query's best true candidate; 1 is first.

    Parameters
    ----------
    similarity : (N, M) array of real numbers
        Row i scores the M candidates of query i; larger is more similar.
    targets : (N,) int array, or (N, M) bool array, optional
        The column of each query's true candidate, or True at each of them where a query has several (five captions to
        an image; equal captions in a gallery). By default query i matches candidate i, which needs N = M.

    Returns
    -------
    (N,) int64 ndarray
        1 + the number of false candidates that score at least as high as the best true one.

    Raises
    ------
    ValueError
        If `similarity` is not a matrix of real numbers or holds NaN, or `targets` has the wrong shape, type or range,
        or a query has no true candidate.

    Notes
    -----
    A tie counts against the query: a model that gives every candidate the same score ranks last, not first.

    Examples
    --------
    >>> similarity = [[.9, .1, .3], [.8, .5, .6], [.2, .2, .2]]
    >>> target_ranks(similarity).tolist()
    [1, 3, 3]
    >>> target_ranks(similarity, [[True, False, True], [False, True, True], [True, True, True]]).tolist()
    [1, 2, 1]
    """
    similarity = np.asarray(similarity)
    if similarity.ndim != 2 or 0 in similarity.shape:
        raise ValueError(
            f"target_ranks: similarity must be a non-empty matrix (queries, candidates); got {similarity.shape}"
        )
    if similarity.dtype.kind not in "biuf":
        raise ValueError(f"target_ranks: similarity must be real numbers; got {similarity.dtype}")
    if np.isnan(similarity).any():
        raise ValueError(f"target_ranks: similarity must not hold NaN; got {np.isnan(similarity).sum()} of them")
    positive = _positives(similarity.shape, targets)
    best = np.max(similarity, axis=1, keepdims=True, where=positive, initial=similarity.min())  # (N, 1)
    return 1 + np.sum(~positive & (similarity >= best), axis=1)


def recall_at_k(similarity, k, targets=None):
    r"""Fraction of queries with a true candidate among the first `k`.

    $$ \mathrm{R@}k = \frac{1}{N} \sum_i [\mathrm{rank}_i \le k] $$

    Parameters
    ----------
    similarity : (N, M) float array
        Queries in rows, candidates in columns.
    k : int
        At least 1.
    targets : (N,) int array, or (N, M) bool array, optional
        As in `target_ranks`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If `k` is below 1, or as `target_ranks` does.

    Examples
    --------
    >>> recall_at_k([[.9, .1], [.8, .5]], k=1)
    0.5
    """
    if k < 1:
        raise ValueError(f"recall_at_k: k must be at least 1; got {k}")
    return float(np.mean(target_ranks(similarity, targets) <= k))


def median_rank(similarity, targets=None):
    """Median over queries of the rank of the best true candidate; 1 is perfect.

    Parameters
    ----------
    similarity : (N, M) float array
        Queries in rows, candidates in columns.
    targets : (N,) int array, or (N, M) bool array, optional
        As in `target_ranks`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As `target_ranks` does.

    Examples
    --------
    >>> median_rank([[.9, .1, .3], [.8, .5, .6], [.2, .2, .2]])
    3.0
    """
    return float(np.median(target_ranks(similarity, targets)))


def _positives(shape, targets):
    """Targets in any form, as a boolean (N, M) matrix: True at each query's true candidates."""
    N, M = shape
    if targets is None:
        if N != M:
            raise ValueError(f"target_ranks: without targets similarity must be square; got {shape}")
        return np.eye(N, dtype=bool)
    targets = np.asarray(targets)
    if targets.dtype == bool:
        if targets.shape != shape:
            raise ValueError(
                f"target_ranks: boolean targets must have the shape of similarity {shape}; got {targets.shape}"
            )
        has_target = targets.any(axis=1)
        if not has_target.all():
            raise ValueError(
                f"target_ranks: every query needs a true candidate; got none for query {has_target.argmin()}"
            )
        return targets
    if targets.shape != (N,) or not np.issubdtype(targets.dtype, np.integer):
        raise ValueError(
            f"target_ranks: targets must be integer of shape ({N},) or boolean of shape {shape}; "
            f"got {targets.dtype} {targets.shape}"
        )
    if targets.min() < 0 or targets.max() >= M:
        raise ValueError(f"target_ranks: targets must lie in 0..{M - 1}; got {targets.min()}..{targets.max()}")
    return targets[:, None] == np.arange(M)
