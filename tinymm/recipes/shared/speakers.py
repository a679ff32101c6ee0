"""One speaker after the other left out to test on: a run each, and what they give together."""

import numpy as np

from ...metrics import wilson_interval
from ...viz import Report, format_table
from .options import require
from .results import OURS, Results, Scores
from .several import run_each

__all__ = ["leave_each_out"]


def leave_each_out(run, speakers, one, names=()):
    """Run `one` for each speaker, in a folder of the speaker's name: metrics of each, their mean, and all clips pooled.

    Parameters
    ----------
    run : Run
    speakers : sequence of str
    one : callable
        ``one(run)`` gives the Outcome of a run in which the option `leave_out` names a speaker.
    names : sequence of str
        Of the classes, where there are some.
    """
    require(len(speakers) > 1, "--leave-out", "all needs several speakers", f"{', '.join(speakers)} in {run.data}")
    outcomes = run_each(run, "leave_out", speakers, one)
    folder = run.folder
    mean = _mean({name: outcome.results for name, outcome in outcomes.items()})
    metrics = {key.replace("test/", f"test/{name}/", 1): value for name, outcome in outcomes.items()
               for key, value in outcome.metrics.items() if key.startswith("test/")}
    first = next(iter(outcomes.values())).results
    for system, values in mean.items():
        metrics |= {f"{first.prefix(system)}/{metric}": value for metric, value in values.items()}
    pooled = _pooled([outcome.results for outcome in outcomes.values()])
    metrics |= pooled.flat()
    metrics["seconds/train"] = round(sum(outcome.metrics["seconds/train"] for outcome in outcomes.values()), 1)
    folder.write("metrics.json", metrics)
    rows, headers, title = _table(outcomes, mean)
    _write_report(run, folder, outcomes, (mean, pooled), metrics, names)
    run.say(f"\n{title}\n" + format_table(rows, headers))
    run.say(f"{pooled}\n\n{pooled.verdict()}")
    run.say(f"trained in {metrics['seconds/train']:.0f} s; report: {folder.report}")
    return metrics


def _mean(results):
    """system → metric → mean over the speakers."""
    each = [{system: scores.metrics for system, scores in found.systems.items()} for found in results.values()]
    return {system: {metric: float(np.mean([metrics[system][metric] for metrics in each])) for metric in first}
            for system, first in each[0].items()}


def _pooled(results):
    """The Results of the clips of all speakers in one: means over clips, where those of `_mean` are over speakers."""
    first = results[0]
    systems = {system: Scores({metric: np.concatenate([found.systems[system].each[metric] for found in results])
                               for metric in scores.each}) for system, scores in first.systems.items()}
    return Results("test/pooled", systems, first.items, first.lower_is_better, first.hidden, first.ways)


def _table(outcomes, mean):
    """Speaker by speaker and their mean, in the metric by which systems are compared: rows, headers, title."""
    metric = next(iter(outcomes.values())).results.metric
    others = [system for system in mean if system != OURS]
    rows = []
    for name, outcome in outcomes.items():
        systems = outcome.results.systems
        low, high = systems[OURS].interval(metric)
        rows.append([name, systems[OURS].metrics[metric], f"{low:.3f} to {high:.3f}",
                     *(systems[system].metrics[metric] for system in others)])
    rows.append(["mean", mean[OURS][metric], "", *(mean[system][metric] for system in others)])
    return rows, ["left out", OURS, "95 % interval", *others], f"{metric.replace('_', ' ')}, each speaker left out"


def _write_report(run, folder, outcomes, together, metrics, names):
    mean, pooled = together
    rows, headers, title = _table(outcomes, mean)
    report = Report(f"{run.name.replace('-', ' ').capitalize()}, one speaker left out",
                    f"Data: {run.data}. For each speaker a model that learned from the others, tested on that one.")
    report.heading("Each speaker")
    report.table(rows, headers, caption=(
        f"{title}. Intervals are over the clips of a speaker; what another speaker would give is as "
        "uncertain as the spread between the rows. Each speaker's own report lies in the folder of that name."))
    report.heading("All speakers together")
    report.metrics(mean, next(iter(outcomes.values())).results.lower_is_better, caption="Means over the speakers.")
    pooled.add_to(report, "All clips together", "Means over the clips, whoever speaks.")
    matrices = [outcome.confusion for outcome in outcomes.values()]
    if matrices[0] is not None:
        matrix = sum(matrices)
        right, n = int(np.trace(matrix)), int(matrix.sum())
        low, high = wilson_interval(right, n)
        report.confusion(matrix, names, caption=(
            f"Rows are true classes, columns what was heard; {right} of {n} right ({low:.3f} to {high:.3f})."))
    report.heading("Configuration")
    report.config({**run.config, "metrics": metrics})
    report.save(folder.report)
