"""Who gained what by which start: means over seeds, and paired differences from scratch with their intervals."""

import numpy as np

from ....metrics import crossed_t_interval
from .tasks import SCRATCH

__all__ = ["HEADERS", "add_table", "gains", "rows_of", "verdict"]

WAYS = {"scratch": "from scratch", "texts": "from texts alone", "multimodal": "from pictures and texts"}


def gains(task, part, table):
    """Flat metrics of a task on a part.

    Parameters
    ----------
    task : str
    part : str
        "test", or "test/held_out".
    table : dict of (str, float) to array (S, N)
        By start and share, how right the model of each seed was on each item, 0 to 1.

    Returns
    -------
    dict of str to float
        ``test/vqa/multimodal/0.01/right``, and of all but scratch ``…/gain``, ``…/gain/low``, ``…/gain/high``.

    Examples
    --------
    >>> right = {("scratch", 0.1): np.array([[0.0, 1.0]]), ("texts", 0.1): np.array([[1.0, 1.0]])}
    >>> found = gains("vqa", "test", right)
    >>> found["test/vqa/texts/0.1/right"], found["test/vqa/texts/0.1/gain"], found["test/vqa/scratch/0.1/right"]
    (1.0, 0.5, 0.5)
    """
    found = {}
    for (start, share), right in table.items():
        name = f"{part}/{task}/{start}/{share:g}"
        found[f"{name}/right"] = float(right.mean())
        if start != SCRATCH:
            difference = right.astype(float) - table[SCRATCH, share]
            low, high = crossed_t_interval(difference)
            found |= {f"{name}/gain": float(difference.mean()), f"{name}/gain/low": low, f"{name}/gain/high": high}
    return found


def verdict(gain, low, high):
    """What an interval says, in a word or two."""
    if low > 0:
        return "better"
    return "worse" if high < 0 else "no difference beyond chance"


def rows_of(task, part, metrics, shares):
    """Rows of a table: share of the labels, start, right, gain, interval, verdict; see `HEADERS`."""
    rows = []
    for share in shares:
        for start in task.starts:
            name = f"{part}/{task.name}/{start}/{share:g}"
            row = [_percent(share), WAYS[start], metrics[f"{name}/right"]]
            if start == SCRATCH:
                rows.append([*row, None, "", ""])
                continue
            gain, low, high = _gain(name, metrics)
            rows.append([*row, gain, f"{low:+.3f} to {high:+.3f}", verdict(gain, low, high)])
    return rows


HEADERS = ["labels", "start", "right", "gain", "95 % interval", "than from scratch"]


def add_table(report, task, part, metrics, shares, counts):
    """Add the table of a task on a part.

    Parameters
    ----------
    report : Report
    task : Questions, Captioning or Classification
    part : str
    metrics : dict
        From `gains`.
    shares : sequence of float
    counts : tuple of int
        Seeds and items.
    """
    where = "unseen pictures" if part == "test" else "combinations never seen together"
    report.heading(f"{task.name}: {where}")
    report.table(rows_of(task, part, metrics, shares), HEADERS, (
        f"{task.metric.replace('_', ' ').capitalize()}, means over {counts[0]} seeds and {counts[1]} items; the "
        "interval of the gain, in pairs, is Student's, for other seeds and other items."))
    report.intervals({f"{_percent(share)}, {WAYS[start]}": _gain(f"{part}/{task.name}/{start}/{share:g}", metrics)
                      for share in shares for start in task.starts if start != SCRATCH}, "gain over scratch")


def _percent(share):
    return f"{100 * share:g} %"


def _gain(name, metrics):
    """The gain of a start and both ends of its interval."""
    return tuple(metrics[f"{name}/gain{end}"] for end in ("", "/low", "/high"))
