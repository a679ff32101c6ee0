"""Running means of what each step reports."""

__all__ = ["RunningMeans"]


class RunningMeans:
    """Weighted means of named numbers, added one step at a time.

    Examples
    --------
    >>> means = RunningMeans()
    >>> means.add({"loss": 1.0}, weight=3)
    >>> means.add({"loss": 2.0}, weight=1)
    >>> means.take()
    {'loss': 1.25}
    >>> means.take()
    {}
    """

    def __init__(self):
        # name -> [weighted sum, sum of the weights]; plain floats, so a checkpoint's JSON keeps every bit
        self.sums = {}

    def add(self, values, weight):
        """Count `values` (dict of str to float) with `weight`."""
        for name, value in values.items():
            entry = self.sums.setdefault(name, [0.0, 0.0])
            entry[0] += weight * value
            entry[1] += weight

    def take(self):
        """The means so far (dict of str to float); then start afresh."""
        means = {name: total / weight for name, (total, weight) in self.sums.items()}
        self.sums = {}
        return means
