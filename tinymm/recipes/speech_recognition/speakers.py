"""One speaker after the other left out to test on: a run each, and what they give together."""

from pathlib import Path

import numpy as np

from ...metrics import confusion_matrix, wilson_interval
from ...training import save_checkpoint
from ...viz import Report, format_table
from ..results import OURS
from ..folder import RunFolder
from .data import speakers_of
from .evaluate import with_intervals

__all__ = ["leave_each_out"]


def leave_each_out(one, out, config, decoding, resume, progress, say):
    """Run `one` for each speaker, in a folder of the speaker's name; metrics of each and their mean.

    A speaker whose run is whole is not trained again: to resume goes on with the speaker it stopped at.
    """
    names = speakers_of(config["data"])
    if len(names) < 2:
        raise ValueError(f"--leave-out: all needs several speakers; {config['data']} has {', '.join(names)}")
    folder = RunFolder(out, config, resume)
    if not resume:
        save_checkpoint(folder.checkpoint, {}, {"speakers": names})  # the folders of the speakers hold the weights
    outcomes, seconds, metrics = {}, 0.0, {}
    for i, name in enumerate(names, 1):
        say(f"\nspeaker {i} of {len(names)}: {name}")
        own = Path(folder.path, name)
        begun = resume and (own / "checkpoint.npz").exists()
        found, outcomes[name] = one(own, {**config, "leave_out": name}, decoding, begun, progress, say)
        seconds += found["seconds/train"]
        metrics |= {key.replace("test/", f"test/{name}/", 1): value
                    for key, value in found.items() if key.startswith("test/")}
    scores = {name: outcome.metrics() for name, outcome in outcomes.items()}
    mean = {system: {metric: float(np.mean([s[system][metric] for s in scores.values()])) for metric in first}
            for system, first in next(iter(scores.values())).items()}
    for system, values in mean.items():
        prefix = "test" if system == OURS else f"baseline/{system.replace(' ', '_')}"
        metrics |= {f"{prefix}/{metric}": value for metric, value in values.items()}
    metrics["seconds/train"] = round(seconds, 1)
    folder.write("metrics.json", metrics)
    _write_report(folder, outcomes, mean, config, metrics)
    say(_table(outcomes, mean))
    say(f"trained in {seconds:.0f} s; report: {folder.report}")
    return metrics


def _rows(outcomes, mean):
    """system, speaker by speaker, mean: the first metric of each."""
    metric = next(iter(mean[OURS]))
    rows = [[name, *(outcome.metrics()[system][metric] for system in mean)] for name, outcome in outcomes.items()]
    intervals = [with_intervals(outcome)[OURS][metric][1:] for outcome in outcomes.values()]
    for row, (low, high) in zip(rows, intervals):
        row.insert(2, f"{low:.3f} to {high:.3f}")
    return [*rows, ["mean", mean[OURS][metric], "",
                    *(values[metric] for system, values in mean.items() if system != OURS)]], metric


def _table(outcomes, mean):
    rows, metric = _rows(outcomes, mean)
    return f"\n{metric.replace('_', ' ')}, each speaker left out\n" + format_table(rows, _header(mean))


def _header(mean):
    return ["left out", OURS, "95 % interval", *(system for system in mean if system != OURS)]


def _write_report(folder, outcomes, mean, config, metrics):
    rows, metric = _rows(outcomes, mean)
    report = Report("Speech recognition, one speaker left out",
                    f"Data: {config['data']}. For each speaker a model that learned from the others, "
                    "tested on that one.")
    report.heading("Each speaker")
    report.table(rows, _header(mean), caption=(
        f"{metric.replace('_', ' ')}. Intervals are over the clips of a speaker; what another speaker would give is as "
        "uncertain as the spread between the rows. Each speaker's own report lies in the folder of that name."))
    report.heading("All speakers together")
    report.metrics(mean, lower_is_better=next(iter(outcomes.values())).lower_is_better,
                   caption="Means over the speakers.")
    if config["isolated"]:
        matrix = sum(confusion_matrix(o.classes(), o.labels, 10) for o in outcomes.values())
        right, n = int(np.trace(matrix)), int(matrix.sum())
        low, high = wilson_interval(right, n)
        report.confusion(matrix, [str(d) for d in range(10)], caption=(
            f"Rows are true digits, columns what was heard; {right} of {n} right ({low:.3f} to {high:.3f})."))
    report.heading("Configuration")
    report.config({**config, "metrics": metrics})
    report.save(folder.report)
