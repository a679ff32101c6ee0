"""Scores of a recipe's model and of its baselines on the same items: as flat names, as tables, and who is better."""

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from ...metrics import bootstrap_interval, wilson_interval
from ...viz import format_table

__all__ = ["OURS", "Results", "Scores"]

OURS = "tinymm"  # the system that is the recipe's own


@dataclass(frozen=True)
class Scores:
    """How one system did.

    Parameters
    ----------
    each : dict of str to array (N,)
        Metrics that are means over the items, by what each item adds: right or wrong (bool), or a number.
    whole : dict of str to float
        Metrics of the part as a whole, such as a macro F1.
    """

    each: dict
    whole: dict = field(default_factory=dict)

    @property
    def metrics(self):
        """dict of str to float"""
        return {**{metric: float(np.mean(values)) for metric, values in self.each.items()}, **self.whole}

    def interval(self, metric):
        """The 95 % interval (low, high): of a share Wilson's, of another mean by resampling items; None of a whole."""
        if metric not in self.each:
            return None
        values = np.asarray(self.each[metric])
        if values.dtype == bool:
            return wilson_interval(int(values.sum()), len(values))
        return bootstrap_interval(values, np.random.default_rng(0))


class Results:
    """The systems on the items of one part: the recipe's own first, then the baselines.

    Parameters
    ----------
    part : str
        Its name in `metrics.json`: "test", or "test/held_out".
    systems : dict of str to Scores
        `OURS` first. The first metric of `each` is the one by which systems are compared.
    items : str
        What is counted: "images".
    lower_is_better : collection of str
        Metrics that are errors.
    hidden : collection of str
        Metrics that tables leave out.
    ways : collection of str
        Systems that are no baselines, such as the same model decoded in another way, or a ceiling.

    Examples
    --------
    >>> right = np.array([True, True, True, False])
    >>> systems = {OURS: Scores({"accuracy": right}), "majority": Scores({"accuracy": ~right})}
    >>> results = Results("test", systems, "texts")
    >>> {name: round(value, 3) for name, value in results.flat().items()}
    {'test/accuracy': 0.75, 'test/accuracy/low': 0.301, 'test/accuracy/high': 0.954, 'baseline/majority/accuracy': 0.25}
    >>> print(results)
    <BLANKLINE>
    test (4 texts)
    system    accuracy  95 % interval
    --------  --------  --------------
    tinymm       0.750  0.301 to 0.954
    majority     0.250  0.046 to 0.699
    >>> print(results.verdict())
    On test (4 texts) tinymm (accuracy 0.750) is NOT BETTER than its best baseline, majority (0.250), beyond chance:
    the difference is 0.500 [-0.500, 1.000].
    """

    def __init__(self, part, systems, items="items", lower_is_better=(), hidden=(), ways=()):
        self.part, self.systems, self.items = part, systems, items
        self.lower_is_better, self.hidden, self.ways = tuple(lower_is_better), tuple(hidden), tuple(ways)
        first = next(iter(systems.values())).each
        self.metric = next(iter(first))
        self.n = len(first[self.metric])
        self.cells, self.verdict = cache(self.cells), cache(self.verdict)   # asked for by the report and in print

    def prefix(self, system):
        """Where `metrics.json` has a system's numbers: under "test", "test/WAY" or "baseline/NAME"."""
        name = system.replace(" ", "_")
        if system in self.ways:
            return f"{self.part}/{name}"
        return self.part if system == OURS else f"baseline/{name}{self.part.removeprefix('test')}"

    def flat(self):
        """name → number, as `metrics.json` holds them; ours with the ends of their intervals."""
        numbers = {}
        for system, scores in self.systems.items():
            prefix = self.prefix(system)
            for metric, value in scores.metrics.items():
                numbers[f"{prefix}/{metric}"] = value
                if (system == OURS or system in self.ways) and metric in scores.each:
                    numbers[f"{prefix}/{metric}/low"], numbers[f"{prefix}/{metric}/high"] = scores.interval(metric)
        return numbers

    def cells(self):
        """system → metric → number, or (number, low, high): for the report's table."""
        return {system: {metric: (value, *scores.interval(metric)) if metric in scores.each else value
                         for metric, value in scores.metrics.items() if metric not in self.hidden}
                for system, scores in self.systems.items()}

    def __str__(self):
        rows = []
        for system, metrics in self.cells().items():
            cells = (cell if isinstance(cell, tuple) else (cell,) for cell in metrics.values())
            rows.append([system, *(text for value, *ends in cells for text in (value, *_joined(ends)))])
        header = ["system"]
        for metric, cell in self.cells()[OURS].items():
            header += [metric, "95 % interval"] if isinstance(cell, tuple) else [metric]
        return f"\n{self.part} ({self.n} {self.items})\n" + format_table(rows, header)

    def add_to(self, report, title, caption=""):
        """Add the table to a `Report`, and who is better."""
        report.heading(title)
        how = f"{self.n} {self.items}; 95 % intervals: Wilson's of shares, of other means by resampling {self.items}."
        report.metrics(self.cells(), self.lower_is_better, caption=f"{how} {caption}".strip())
        report.text(self.verdict())

    def difference(self, system):
        """By how much ours is better, in the first metric: (mean, low, high), items resampled in pairs."""
        sign = -1.0 if self.metric in self.lower_is_better else 1.0
        ours, theirs = (np.asarray(self.systems[name].each[self.metric], float) for name in (OURS, system))
        gains = sign * (ours - theirs)
        return float(gains.mean()), *bootstrap_interval(gains, np.random.default_rng(0))

    def verdict(self):
        """Whether ours is better than its best baseline beyond chance, in one sentence."""
        baselines = [system for system in self.systems if system != OURS and system not in self.ways]
        differences = {system: self.difference(system) for system in baselines}
        best, (gain, low, high) = min(differences.items(), key=lambda item: item[1][0])
        is_better = "is better" if low > 0 else "is NOT BETTER"
        beyond = "" if low > 0 else ", beyond chance"
        ours, theirs = (self.systems[name].metrics[self.metric] for name in (OURS, best))
        return (f"On {self.part} ({self.n} {self.items}) {OURS} ({self.metric} {ours:.3f}) {is_better} than its best "
                f"baseline, {best} ({theirs:.3f}){beyond}: the difference is {gain:.3f} [{low:.3f}, {high:.3f}].")


def _joined(ends):
    return [f"{ends[0]:.3f} to {ends[1]:.3f}"] if ends else []
