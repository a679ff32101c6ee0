"""A moving average of the parameters, which often generalises better than the parameters of the last step."""

from contextlib import contextmanager

import numpy as np

from .interrupt import uninterrupted

__all__ = ["ExponentialMovingAverage"]


class ExponentialMovingAverage:
    r"""Follow the parameters slowly: $\bar\theta \leftarrow \bar\theta + (1 - d_t)(\theta - \bar\theta)$.

    Parameters
    ----------
    named_parameters : iterable of (str, Tensor)
        As `Module.named_parameters()` gives them.
    decay : float
        d, between 0 and 1; the average reaches back about 1/(1 − d) steps.

    Raises
    ------
    ValueError
        If `decay` is not in [0, 1).

    Notes
    -----
    Early on the decay is smaller, $d_t = \min(d, (1 + t)/(10 + t))$ at the t-th update, t = 1, 2, …, so that the
    random initial values are soon forgotten.

    References
    ----------
    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992; the decay that warms up is
    TensorFlow's ExponentialMovingAverage(num_updates=).

    Examples
    --------
    >>> import tinymm as tm
    >>> x = tm.tensor([0.0], requires_grad=True)
    >>> ema = ExponentialMovingAverage([("x", x)], decay=0.9)
    >>> x.data[...] = 11.0
    >>> ema.update()
    >>> ema.averages["x"], x.data
    (array([9.], dtype=float32), array([11.], dtype=float32))
    """

    def __init__(self, named_parameters, decay):
        if not 0 <= decay < 1:
            raise ValueError(f"ExponentialMovingAverage: decay must be in [0, 1); got {decay}")
        self.parameters = dict(named_parameters)
        self.decay = decay
        self.updates = 0
        self.averages = {name: p.data.copy() for name, p in self.parameters.items()}

    def update(self):
        """Move the averages towards the parameters, after a step of the optimiser."""
        self.updates += 1
        rate = 1 - min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, average in self.averages.items():
            average += rate * (self.parameters[name].data - average)

    @contextmanager
    def applied(self):
        """Context manager: inside, the parameters hold their averages; afterwards their own values again."""
        own = {name: p.data.copy() for name, p in self.parameters.items()}
        try:
            self._fill(self.averages)
            yield
        finally:
            with uninterrupted():
                self._fill(own)

    def _fill(self, values):
        for name, p in self.parameters.items():
            p.data[...] = values[name]

    def state_dict(self):
        """Averages and the number of updates: dict of str to ndarray."""
        return {"updates": np.array(self.updates), **{f"average.{name}": a.copy() for name, a in self.averages.items()}}

    def load_state_dict(self, state):
        """Go on from where `state_dict` was taken."""
        self.updates = int(state["updates"])
        for name, average in self.averages.items():
            average[...] = state[f"average.{name}"]
