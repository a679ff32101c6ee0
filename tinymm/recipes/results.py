"""Scores of a recipe's model and of its baselines: as the flat names of `metrics.json`,
and as a table with intervals."""

from ..metrics import wilson_interval

__all__ = ["OURS", "flat", "with_intervals"]

OURS = "tinymm"  # the system that is the recipe's own


def flat(results):
    """Flatten part → system → scores to name → number, as `metrics.json` holds them.

    Examples
    --------
    >>> flat({"test": {OURS: {"accuracy": 0.9}, "nearest neighbour": {"accuracy": 0.8}},
    ...       "test/new": {OURS: {"accuracy": 0.7}}})
    {'test/accuracy': 0.9, 'baseline/nearest_neighbour/accuracy': 0.8, 'test/new/accuracy': 0.7}
    """
    metrics = {}
    for part, systems in results.items():
        for system, scores in systems.items():
            prefix = part if system == OURS else f"baseline/{system.replace(' ', '_')}{part.removeprefix('test')}"
            metrics.update({f"{prefix}/{metric}": float(value) for metric, value in scores.items()})
    return metrics


def with_intervals(systems, n, shares=("accuracy",)):
    """Give the metrics that are shares of n items their 95 % Wilson intervals, for the report's table.

    Examples
    --------
    >>> value, low, high = with_intervals({OURS: {"accuracy": 0.5, "macro_f1": 0.4}}, 100)[OURS]["accuracy"]
    >>> round(low, 3), value, round(high, 3)
    (0.404, 0.5, 0.596)
    """
    def cell(metric, value):
        return (value, *wilson_interval(round(value * n), n)) if metric in shares else value

    return {system: {metric: cell(metric, value) for metric, value in scores.items()}
            for system, scores in systems.items()}
