"""What a trained model says of many items: in batches, shared out among the cores, in the items' order."""

import math

import numpy as np

from ...autograd import no_grad
from ...cores.threads import parallel_for

__all__ = ["over_batches"]


def over_batches(model, n, batch_size, answer, lengths=None, one_core=False):
    """Ask a model about n items, some at a time.

    Parameters
    ----------
    model : Module
        Set to eval mode; nothing is recorded.
    n : int
        Items.
    batch_size : int
    answer : callable
        ``answer(rows)`` gives one result for each of some rows (int array), in their order.
    lengths : sequence of int, optional
        Of the items; batches are then of about equal length, so that little of a batch is padding.
    one_core : bool
        One batch after the other, for answers that draw from one Generator.

    Returns
    -------
    list
        n results, in the order of the items.

    Examples
    --------
    >>> import tinymm as tm
    >>> x = np.arange(5.0)
    >>> over_batches(tm.nn.ReLU(), 5, 2, lambda rows: list(x[rows] ** 2), lengths=[3, 1, 2, 3, 1])
    [np.float64(0.0), np.float64(1.0), np.float64(4.0), np.float64(9.0), np.float64(16.0)]
    """
    model.eval()
    order = np.arange(n) if lengths is None else np.argsort(lengths, kind="stable")
    groups = [order[start:start + batch_size] for start in range(0, n, batch_size)]
    results = [None] * n

    def answer_groups(first, last):
        with no_grad():
            for rows in groups[first:last]:
                for row, result in zip(rows, answer(rows), strict=True):
                    results[row] = result

    if one_core:
        answer_groups(0, len(groups))
    else:
        parallel_for(len(groups), answer_groups, work=math.inf)
    return results
