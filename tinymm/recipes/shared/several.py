"""One run for each value of an option, each in a folder of its own, and the table of them all."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...training import save_checkpoint
from ...viz import Report, format_table
from .results import OURS, Results

__all__ = ["Outcome", "compare", "run_each"]


class Outcome(NamedTuple):
    """What one run gave: its metrics, its table, and of classes how often each was taken for each (K, K)."""

    metrics: dict
    results: Results
    confusion: np.ndarray | None = None


def run_each(run, option, values, one):
    """Run `one` for each value of an option, in a folder of the value's name.

    A run that is whole is not trained again: to resume goes on with the one it stopped at.

    Parameters
    ----------
    run : Run
        Its folder is opened here.
    option : str
        Such as "leave_out".
    values : sequence of str
    one : callable
        ``one(run)`` gives the Outcome of a run in which the option has one of the values.

    Returns
    -------
    dict of str to Outcome
    """
    folder = run.folder = run.open_folder()
    if not folder.checkpoint.exists():
        save_checkpoint(folder.checkpoint, {}, {option: list(values)})  # the folders inside hold the weights
    outcomes = {}
    for i, value in enumerate(values, 1):
        run.say(f"\n{option.replace('_', ' ')}, {i} of {len(values)}: {value}")
        own = Path(folder.path, value)
        is_begun = run.resume and (own / "checkpoint.npz").exists()
        with run.again(own, is_begun, **{option: value}) as alone:
            outcomes[value] = one(alone)
    return outcomes


def compare(run, option, values, one, title, caption):
    """Run `one` for each value of an option and put them into one table, one report, one `metrics.json`.

    Parameters
    ----------
    run, option, values, one
        As for `run_each`.
    title, caption : str
        Of the report and of its table.

    Returns
    -------
    dict
        ``test/VALUE/METRIC`` for each, ``baseline/NAME/METRIC`` as the first run has them.
    """
    outcomes = run_each(run, option, values, one)
    metrics = {key.replace("test", f"test/{value}", 1): number for value, outcome in outcomes.items()
               for key, number in outcome.metrics.items() if key.startswith("test/")}
    first = outcomes[values[0]]
    metrics |= {key: number for key, number in first.metrics.items() if key.startswith("baseline/")}
    metrics["seconds/train"] = round(sum(outcome.metrics["seconds/train"] for outcome in outcomes.values()), 1)
    run.folder.write("metrics.json", metrics)
    rows, headers = _rows(option, outcomes)
    report = Report(title, f"Data: {run.data or 'embedded'}. Each row is a training of its own; its report lies in the "
                           "folder of its name.")
    report.heading("All in one table")
    report.table(rows, headers, caption=caption)
    report.heading("Configuration")
    report.config({**run.config, "metrics": metrics})
    report.save(run.folder.report)
    run.say(f"\n{title}\n" + format_table(rows, headers))
    run.say(f"trained in {metrics['seconds/train']:.0f} s; report: {run.folder.report}")
    return metrics


def _rows(option, outcomes):
    """A row for each run, and one for each baseline of the first: its score with its interval, its size, its time."""
    first = next(iter(outcomes.values())).results
    rows = []
    for value, outcome in outcomes.items():
        scores = outcome.results.systems[OURS]
        rows.append([value, scores.metrics[first.metric], _interval(scores, first.metric),
                     f"{outcome.metrics['parameters']:,}", f"{outcome.metrics['seconds/train']:.0f}"])
    for system, scores in first.systems.items():
        if system != OURS:
            rows.append([system, scores.metrics[first.metric], _interval(scores, first.metric), "", ""])
    return rows, [option.replace("_", " "), first.metric, "95 % interval", "parameters", "seconds"]


def _interval(scores, metric):
    low, high = scores.interval(metric)
    return f"{low:.3f} to {high:.3f}"
