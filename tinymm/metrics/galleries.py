"""Retrieval by embeddings: ranks without the whole matrix of similarities, scores in one table, what chance gives."""

import numpy as np

from .retrieval import Standing, positives, standing_of

__all__ = ["chance_scores", "dot_products", "embedding_standing", "ranks", "retrieval_scores"]

KS = (1, 5, 10)
TILE = 256  # rows and columns of one product


def dot_products(x, y):
    r"""All $x_i \cdot y_j$, of which equal vectors get equal ones, to the last bit.

    Parameters
    ----------
    x : (N, D) float array
    y : (M, D) float array

    Returns
    -------
    (N, M) float ndarray

    Raises
    ------
    ValueError
        If the shapes do not fit, or a number is not finite.

    Notes
    -----
    A matrix product adds up in an order that depends on the sizes and on where in the matrix an element stands. Two
    equal captions then differ in the last bit, and a tie is no longer one; a block of rows differs from the same rows
    of the whole. So all is computed in tiles of one size; what a last tile has too much is cut off. And in float64,
    since OpenBLAS's float32 kernels for AVX2 add in different orders within a tile too.

    Examples
    --------
    >>> dot_products(np.eye(2), np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]]))
    array([[1., 3., 1.],
           [2., 4., 2.]])
    """
    x, y = _embeddings(x, y)
    products = np.empty((len(x), len(y)), np.result_type(x, y))
    x_tile, y_tile = np.zeros((2, TILE, x.shape[1]), np.result_type(products, np.float64))
    for j in range(0, len(y), TILE):
        columns = y[j:j + TILE]
        y_tile[:len(columns)] = columns
        for i in range(0, len(x), TILE):
            rows = x[i:i + TILE]
            x_tile[:len(rows)] = rows
            products[i:i + TILE, j:j + TILE] = (x_tile @ y_tile.T)[:len(rows), :len(columns)]
    return products


def embedding_standing(x, y, targets=None, block=1024):
    r"""The `Standing` of queries x among candidates y by $x_i \cdot y_j$, a block of queries at a time.

    Parameters
    ----------
    x : (N, D) float array
        Embeddings of the queries; of length 1 if the cosine is meant.
    y : (M, D) float array
        Embeddings of the candidates.
    targets : (N,) int array, or (N, M) bool array, optional
        As for `standing`.
    block : int
        Queries at a time; (block, M) numbers are held. The result is the same for every block, to the last bit.

    Returns
    -------
    Standing

    Raises
    ------
    ValueError
        As `dot_products` and `standing` do.

    Examples
    --------
    >>> x = np.array([[1.0, 0.0], [0.6, 0.8]])
    >>> embedding_standing(x, np.eye(2), block=1).ranks().tolist()
    [1, 1]
    """
    x, y = _embeddings(x, y)
    if block < 1:
        raise ValueError(f"ranks: block must be at least 1; got {block}")
    positive = positives((len(x), len(y)), targets)
    found = [standing_of(dot_products(x[i:i + block], y), positive[i:i + block]) for i in range(0, len(x), block)]
    return Standing(*map(np.concatenate, zip(*found)))


def ranks(x, y, targets=None, ties="against", block=1024):
    """Rank of each query's best true candidate by embeddings, as `target_ranks` of the whole matrix gives it.

    Parameters
    ----------
    x, y, targets, block
        As for `embedding_standing`.
    ties : {"against", "expected"}
        As for `target_ranks`.

    Returns
    -------
    (N,) ndarray, int64 or float64

    Examples
    --------
    >>> ranks(np.eye(3), np.ones((3, 3))).tolist(), ranks(np.eye(3), np.ones((3, 3)), ties="expected").tolist()
    ([3, 3, 3], [2.0, 2.0, 2.0])
    """
    return embedding_standing(x, y, targets, block).ranks(ties)


def retrieval_scores(found, ties="against"):
    """Recall at 1, 5 and 10, median and mean rank, under the names of a run's metrics.

    Parameters
    ----------
    found : Standing
        As `standing` or `embedding_standing` gives it.
    ties : {"against", "expected"}

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> retrieval_scores(embedding_standing(np.eye(3), np.eye(3)))
    {'recall_at_1': 1.0, 'recall_at_5': 1.0, 'recall_at_10': 1.0, 'median_rank': 1.0, 'mean_rank': 1.0}
    """
    return {**{f"recall_at_{k}": found.recall(k, ties) for k in KS}, "median_rank": found.median(ties),
            "mean_rank": found.mean(ties)}


def chance_scores(shape, targets=None):
    r"""What `retrieval_scores` are on average if the gallery comes in random order; exact, nothing is drawn.

    Parameters
    ----------
    shape : (int, int)
        N queries, M candidates.
    targets : (N,) int array, or (N, M) bool array, optional
        As for `standing`.

    Returns
    -------
    dict of str to float

    Notes
    -----
    All M candidates are one tie: of a query with p true ones the mean rank is $(M + 1)/(p + 1)$, and with p = 1 the
    recall is K/M; where an image has five true captions, R@1 by chance is 5/M.

    Examples
    --------
    >>> {name: round(value, 4) for name, value in chance_scores((100, 100)).items()}
    {'recall_at_1': 0.01, 'recall_at_5': 0.05, 'recall_at_10': 0.1, 'median_rank': 50.5, 'mean_rank': 50.5}
    """
    right = positives(shape, targets).sum(axis=1)
    return retrieval_scores(Standing(np.zeros_like(right), shape[1] - right, right), "expected")


def _embeddings(x, y):
    """Two matrices of finite numbers of one width."""
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or 0 in (*x.shape, *y.shape):
        raise ValueError(f"ranks: embeddings must be (N, D) and (M, D), none empty; got {x.shape} and {y.shape}")
    for name, array in (("x", x), ("y", y)):
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise ValueError(f"ranks: embeddings must be finite floating-point numbers; {name} is {array.dtype} with "
                             f"{0 if array.dtype.kind != 'f' else (~np.isfinite(array)).sum()} that are not finite")
    return x, y
