"""From the rows of a training log to the curves of a report."""

import math
from numbers import Real

__all__ = ["panels"]


def panels(log_rows, metrics=None, x="step"):
    """Logged numbers, sorted into one panel per metric and one curve per split.

    The key `val/loss` is the curve `val` of the panel `loss`; a key without a slash is a panel of one curve.

    Parameters
    ----------
    log_rows : sequence of mapping
        Rows as logged. They may hold different keys; a value that is not a finite number leaves a gap.
    metrics : sequence of str, optional
        The panels, in order. By default every metric that was logged with a split.
    x : str, optional
        The key that numbers the rows; rows without it are left out.

    Returns
    -------
    dict of str to dict of str to (list, list)
        For each panel and curve its x and y.

    Raises
    ------
    ValueError
        If one of `metrics`, or `x`, was never logged.

    Examples
    --------
    >>> panels([{"step": 1, "train/loss": 2.0}, {"step": 2, "train/loss": 1.0, "val/loss": 1.5}])
    {'loss': {'train': ([1, 2], [2.0, 1.0]), 'val': ([2], [1.5])}}
    """
    found = {}
    for row in log_rows:
        if not _is_finite(row.get(x)):
            continue
        for key, value in row.items():
            split, slash, metric = key.rpartition("/")
            if key != x and _is_finite(value) and (slash or metrics is not None):
                xs, ys = found.setdefault(metric, {}).setdefault(split or metric, ([], []))
                xs.append(row[x])
                ys.append(value)
    missing = [metric for metric in metrics or () if metric not in found]
    if missing or (log_rows and not any(x in row for row in log_rows)):
        raise ValueError(f"panels: every metric must be logged with a number under {x!r}; "
                         f"got none for {missing or x!r}")
    return {metric: found[metric] for metric in metrics or found}


def _is_finite(value):
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
