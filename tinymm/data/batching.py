"""Batches of row numbers: in order, shuffled, or of about equal length."""

import numpy as np

__all__ = ["batches", "batches_by_length"]


def batches(n, batch_size, rng=None, drop_last=False):
    """Divide the rows 0 … n−1 into batches, once through the data.

    The order is drawn before anything is returned. To resume in the middle of an epoch, restore the state that the
    generator had at its start, and go on with `batches(...)[done:]`.

    Parameters
    ----------
    n, batch_size : int
    rng : numpy.random.Generator, optional
        Shuffles the rows; without it they stay in order.
    drop_last : bool
        Leave out the last batch if it is not full.

    Returns
    -------
    list of numpy.ndarray
        int64 arrays of row numbers.

    Raises
    ------
    ValueError
        If there would be no batch.

    Examples
    --------
    >>> [batch.tolist() for batch in batches(5, 2)]
    [[0, 1], [2, 3], [4]]
    >>> rng = np.random.default_rng(0)
    >>> [batch.tolist() for batch in batches(5, 2, rng, drop_last=True)]
    [[2, 4], [3, 0]]
    """
    if batch_size < 1 or n < (batch_size if drop_last else 1):
        raise ValueError(f"batches: needs rows for at least one batch; got {n} rows, batch_size {batch_size}")
    order = np.arange(n) if rng is None else rng.permutation(n)
    end = n - n % batch_size if drop_last else n
    return [order[start : start + batch_size] for start in range(0, end, batch_size)]


def batches_by_length(lengths, batch_size, rng=None):
    """Divide sequences into batches of neighbours in length, so that little of a batch is padding.

    Parameters
    ----------
    lengths : sequence of int
        Of each row's sequence.
    batch_size : int
    rng : numpy.random.Generator, optional
        Shuffles rows of equal length among each other, and the order of the batches; without it short sequences come
        first.

    Returns
    -------
    list of numpy.ndarray
        int64 arrays of row numbers, as many as `batches` gives; together every row once.

    Raises
    ------
    ValueError
        If there would be no batch.

    Examples
    --------
    >>> [batch.tolist() for batch in batches_by_length([9, 2, 8, 3, 3], 2)]
    [[1, 3], [4, 2], [0]]
    """
    lengths = np.asarray(lengths)
    if batch_size < 1 or len(lengths) < 1:
        raise ValueError("batches_by_length: needs rows for at least one batch; "
                         f"got {len(lengths)} rows, batch_size {batch_size}")
    if rng is None:
        order = np.argsort(lengths, kind="stable")
    else:
        order = np.lexsort((rng.random(len(lengths)), lengths))
    parts = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return parts if rng is None else [parts[i] for i in rng.permutation(len(parts))]
