r"""Recall@K, median and mean rank: where a query's true match stands among the candidates, sorted by similarity.

The similarity comes from a contrastive model: queries in rows, candidates (the gallery) in columns.

A sorted list puts candidates of equal score in some order, and nothing in the scores says which. With `ties="against"`
the true ones come last among their equals, so that a model without an opinion scores 0. With `ties="expected"` all
orders of equals are equally likely, and what is given is exact for them: the mean rank, the probability that a true
candidate is among the first K.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["Standing", "mean_rank", "median_rank", "recall_at_k", "standing", "target_ranks"]

TIES = ("against", "expected")
ROUNDING = 1e-9  # by which a sum of probabilities may miss 1/2


class Standing(NamedTuple):
    r"""Where each query's best true candidate stands: all that ranks and recalls depend on.

    Let $a$ false candidates score higher than it, and let $m$ false and $p$ true ones share its score. If the true ones
    come last among equals, its rank is $1 + a + m$. If the m + p come in random order, the p true ones cut the false
    ones into p + 1 stretches, all of the same mean length; the first of these stands before the best true one:

    $$ \mathrm E[\mathrm{rank}] = 1 + a + \frac{m}{p + 1}. $$

    The rank is above K if the first $t = K - a$ places of the tie are all taken by false ones:

    $$ P(\mathrm{rank} \le K) = 1 - \binom{m}{t} \Big/ \binom{m + p}{t} = 1 - \prod_{i=1}^{p} \frac{m - t + i}{m + i}
    \quad (0 \le t \le m), $$

    0 for smaller t, 1 for larger.

    Attributes
    ----------
    above : int64 ndarray (N,)
        a.
    level : int64 ndarray (N,)
        m.
    right : int64 ndarray (N,)
        p, at least 1.

    Examples
    --------
    >>> tied = Standing(np.array([1]), np.array([3]), np.array([2]))       # one above, then 3 false and 2 true
    >>> tied.ranks(), tied.ranks("expected"), tied.recalls(2, "expected").round(3)
    (array([5]), array([3.]), array([0.4]))
    """

    above: np.ndarray
    level: np.ndarray
    right: np.ndarray

    def ranks(self, ties="against"):
        """Rank of each query's best true candidate: (N,) int64, or float64 if `ties` is "expected"."""
        if _checked_ties(ties) == "against":
            return 1 + self.above + self.level
        return 1 + self.above + self.level / (self.right + 1)

    def recalls(self, k, ties="against"):
        """Whether, or how probably, a true candidate is among the first `k`: (N,) bool, or float64."""
        if k < 1:
            raise ValueError(f"recall_at_k: k must be at least 1; got {k}")
        if _checked_ties(ties) == "against":
            return self.ranks() <= k
        m, p = self.level, self.right
        t = np.clip(k - self.above, 0, m + 1)                               # places of the tie among the first k
        missed = np.ones(len(m))
        for i in range(1, int(p.max()) + 1):
            missed = np.where(i <= p, missed * (np.maximum(m - t + i, 0) / (m + i)), missed)
        return np.where(t > m, 1.0, 1 - missed)

    def recall(self, k, ties="against"):
        """Mean of `recalls` (float)."""
        return float(np.mean(self.recalls(k, ties)))

    def median(self, ties="against"):
        """Median of the ranks over queries and, if `ties` is "expected", over the orders of equals (float)."""
        if _checked_ties(ties) == "against":
            return float(np.median(self.ranks()))
        return (self._quantile(0.5 - ROUNDING) + self._quantile(0.5 + ROUNDING)) / 2

    def mean(self, ties="against"):
        """Mean of the ranks (float)."""
        return float(np.mean(self.ranks(ties)))

    def _quantile(self, q):
        """The smallest k whose expected recall is at least q, by bisection."""
        low, high = 0, int(self.ranks().max())                              # recall(low) < q <= recall(high)
        while high - low > 1:
            middle = (low + high) // 2
            if self.recall(middle, "expected") >= q:
                high = middle
            else:
                low = middle
        return float(high)


def standing(similarity, targets=None):
    """The `Standing` of each query: how many candidates are above and level with its best true one.

    Parameters
    ----------
    similarity : (N, M) array of real numbers
        Row i scores the M candidates of query i; larger is more similar.
    targets : (N,) int array, or (N, M) bool array, optional
        The column of each query's true candidate, or True at each of them where a query has several (five captions to
        an image; equal captions in a gallery). By default query i matches candidate i, which needs N = M.

    Returns
    -------
    Standing

    Raises
    ------
    ValueError
        If `similarity` is not a matrix of real numbers or holds NaN, or `targets` has the wrong shape, type or range,
        or a query has no true candidate.

    Examples
    --------
    >>> found = standing([[.9, .1, .3], [.5, .5, .6]], [0, 0])
    >>> found.above.tolist(), found.level.tolist(), found.right.tolist()
    ([0, 1], [0, 1], [1, 1])
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
    return standing_of(similarity, positives(similarity.shape, targets))


def standing_of(similarity, positive):
    """The `Standing` of checked similarities and boolean targets."""
    best = np.max(similarity, axis=1, keepdims=True, where=positive, initial=similarity.min())  # (N, 1)
    is_level = similarity == best
    return Standing(np.sum(~positive & (similarity > best), axis=1), np.sum(~positive & is_level, axis=1),
                    np.sum(positive & is_level, axis=1))


def target_ranks(similarity, targets=None, ties="against"):
    """Rank of each query's best true candidate; 1 is first.

    Parameters
    ----------
    similarity : (N, M) array of real numbers
    targets : (N,) int array, or (N, M) bool array, optional
        As for `standing`.
    ties : {"against", "expected"}
        Whether false candidates come first among equals, or all orders of equals are equally likely.

    Returns
    -------
    (N,) ndarray
        int64: 1 + the number of false candidates that score at least as high as the best true one. Or float64: the
        mean of that rank over all orders of equals.

    Raises
    ------
    ValueError
        As `standing` does.

    Notes
    -----
    A tie counts against the query unless told otherwise: a model that gives every candidate the same score ranks last,
    not first.

    Examples
    --------
    >>> similarity = [[.9, .1, .3], [.8, .5, .6], [.2, .2, .2]]
    >>> target_ranks(similarity).tolist()
    [1, 3, 3]
    >>> target_ranks(similarity, ties="expected").tolist()
    [1.0, 3.0, 2.0]
    >>> target_ranks(similarity, [[True, False, True], [False, True, True], [True, True, True]]).tolist()
    [1, 2, 1]
    """
    return standing(similarity, targets).ranks(ties)


def recall_at_k(similarity, k, targets=None, ties="against"):
    r"""Fraction of queries with a true candidate among the first `k`.

    $$ \mathrm{R@}k = \frac{1}{N} \sum_i [\mathrm{rank}_i \le k] $$

    Parameters
    ----------
    similarity : (N, M) float array
        Queries in rows, candidates in columns.
    k : int
        At least 1.
    targets : (N,) int array, or (N, M) bool array, optional
    ties : {"against", "expected"}
        As for `target_ranks`; expected is the mean probability.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If `k` is below 1, or as `standing` does.

    Examples
    --------
    >>> recall_at_k([[.9, .1], [.8, .5]], k=1)
    0.5
    >>> recall_at_k([[.5, .5], [.5, .5]], k=1), recall_at_k([[.5, .5], [.5, .5]], k=1, ties="expected")
    (0.0, 0.5)
    """
    return standing(similarity, targets).recall(k, ties)


def median_rank(similarity, targets=None, ties="against"):
    """Median over queries of the rank of the best true candidate; 1 is perfect.

    Parameters
    ----------
    similarity : (N, M) float array
        Queries in rows, candidates in columns.
    targets : (N,) int array, or (N, M) bool array, optional
    ties : {"against", "expected"}
        As for `target_ranks`; expected is the median over queries and orders, not a median of means.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As `standing` does.

    Examples
    --------
    >>> median_rank([[.9, .1, .3], [.8, .5, .6], [.2, .2, .2]])
    3.0
    """
    return standing(similarity, targets).median(ties)


def mean_rank(similarity, targets=None, ties="against"):
    """Mean over queries of the rank of the best true candidate; a few bad ranks move it, where they leave the median.

    Parameters
    ----------
    similarity : (N, M) float array
        Queries in rows, candidates in columns.
    targets : (N,) int array, or (N, M) bool array, optional
    ties : {"against", "expected"}
        As for `target_ranks`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As `standing` does.

    Examples
    --------
    >>> round(mean_rank([[.9, .1, .3], [.8, .5, .6], [.2, .2, .2]]), 3)
    2.333
    """
    return standing(similarity, targets).mean(ties)


def positives(shape, targets):
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


def _checked_ties(ties):
    if ties not in TIES:
        raise ValueError(f"target_ranks: ties is 'against' or 'expected'; got {ties!r}")
    return ties
