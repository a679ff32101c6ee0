"""Numbers as people read them: columns of equal precision, and tables of metrics that mark the best entry.

Both the report and the terminal's tables take their cells from here.
"""

import math
from numbers import Integral, Real
from typing import NamedTuple

__all__ = ["MetricCell", "format_column", "metric_columns", "metric_table"]

MISSING = "–"


class MetricCell(NamedTuple):
    """One system's score: the value, its interval (may be empty), and whether it is the best."""

    value: str
    interval: str
    best: bool


def format_column(values):
    """Format the cells of one column, numbers with the same number of decimals.

    Parameters
    ----------
    values : sequence of number, str or None
        None is shown as a dash; strings pass unchanged.

    Returns
    -------
    list of str

    Examples
    --------
    >>> format_column([0.5, 1, None]), format_column([12345, 7]), format_column([0.00123, 0.0004])
    (['0.500', '1.000', '–'], ['12,345', '7'], ['0.00123', '0.00040'])
    """
    decimals = _decimals(values)

    def cell(value):
        if _is_number(value):
            return f"{value:,.{decimals}f}"
        return MISSING if value is None else str(value)

    return [cell(value) for value in values]


def metric_columns(systems, lower_is_better=()):
    """Format the scores of several systems and find the best of each metric.

    Parameters
    ----------
    systems : mapping of str to mapping of str to number, (value, low, high) or None
        For each system its metrics; three numbers are a value and its interval. A system may lack a metric.
    lower_is_better : collection of str, optional
        The metrics in which less is better, such as a word error rate.

    Returns
    -------
    dict of str to list of MetricCell
        For each metric one cell per system. Scores that print alike are equally good;
        if all print alike, none is marked as best.

    Raises
    ------
    ValueError
        If there is no system, a score is neither a number nor three, or `lower_is_better` names no metric.

    Examples
    --------
    >>> columns = metric_columns({"ours": {"accuracy": (0.96, 0.94, 0.97)}, "majority": {"accuracy": 0.5}})
    >>> columns["accuracy"][0]
    MetricCell(value='0.960', interval='[0.940, 0.970]', best=True)
    """
    metrics = list(dict.fromkeys(metric for scores in systems.values() for metric in scores))
    unknown = set(lower_is_better) - set(metrics)
    if not metrics or unknown:
        rule = f"lower_is_better names no metric: {sorted(unknown)}" if unknown else "no system has a metric"
        raise ValueError(f"metric_columns: each name must be a metric of some system; {rule}; got {metrics}")
    columns = {}
    for metric in metrics:
        scores = [_score(scores.get(metric), metric) for scores in systems.values()]
        columns[metric] = _metric_column(scores, metric in lower_is_better)
    return columns


def metric_table(systems, lower_is_better=()):
    """Lay out the scores of several systems as rows and headers, for `format_table`.

    Parameters
    ----------
    systems, lower_is_better
        As for `metric_columns`.

    Returns
    -------
    rows : list of list of str
        The system's name, then its metrics, the best with a star.
    headers : list of str

    Examples
    --------
    >>> metric_table({"ours": {"accuracy": 0.96}, "majority": {"accuracy": 0.5}})
    ([['ours', '0.960*'], ['majority', '0.500 ']], ['system', 'accuracy'])
    """
    columns = metric_columns(systems, lower_is_better)
    rows = [[name] for name in systems]
    for cells in columns.values():
        width = max(len(cell.interval) for cell in cells)
        for row, cell in zip(rows, cells, strict=True):
            interval = f" {cell.interval:<{width}}" if width else ""
            row.append(f"{cell.value}{'*' if cell.best else ' '}{interval}")
    return rows, ["system", *columns]


def _score(score, metric):
    """A score in the form (value, low, high); what is missing is None."""
    triple = (score, None, None) if score is None or _is_number(score) else score
    if not (isinstance(triple, tuple | list) and len(triple) == 3):
        raise ValueError("metric_columns: a score must be a number or (value, low, high); "
                         f"got {score!r} for {metric!r}")
    return triple


def _metric_column(scores, lower_is_better):
    """The cells of one metric, from the (value, low, high) of each system."""
    decimals = _decimals([number for score in scores for number in score])
    values = [MISSING if value is None else f"{value:,.{decimals}f}" for value, _, _ in scores]
    intervals = ["" if low is None else f"[{low:,.{decimals}f}, {high:,.{decimals}f}]" for _, low, high in scores]
    known = [value for value, _, _ in scores if value is not None and not math.isnan(value)]
    best = None
    if known and len(set(values)) > 1:
        best = min(known) if lower_is_better else max(known)
        best = f"{best:,.{decimals}f}"                          # compared as printed
    return [MetricCell(value, interval, value == best) for value, interval in zip(values, intervals, strict=True)]


def _decimals(values):
    """How many decimals show three or four significant digits of the largest number; none if all are integers."""
    numbers = [value for value in values if _is_number(value)]
    if all(isinstance(value, Integral) for value in numbers):
        return 0
    largest = max((abs(float(value)) for value in numbers if math.isfinite(value)), default=0.0)
    exponent = math.floor(math.log10(largest)) if largest else 0
    if exponent >= 0:
        return max(3 - exponent, 0)
    return min(2 - exponent, 8)


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool)
