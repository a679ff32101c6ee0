r"""What a reward is compared with: REINFORCE learns from $R - b$, and every b independent of the draw is allowed."""

import numpy as np

from ...autograd import Tensor
from ..linear import Linear
from ..module import Module

__all__ = ["LearnedBaseline", "MovingBaseline"]


class MovingBaseline(Module):
    r"""The moving average of the rewards so far: $b \leftarrow m\,b + (1 - m)\operatorname{mean}(R)$.

    Parameters
    ----------
    momentum : float
        m in [0, 1).

    Attributes
    ----------
    value : ndarray ()
        b, a buffer; starts at 0.

    References
    ----------
    Xu et al. (2015), Show, attend and tell, §4.1, where m = 0.9 and R is the log-likelihood of the caption.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> baseline = tm.nn.MovingBaseline()
    >>> for reward in ([10.0, 12.0], [10.0, 12.0]):
    ...     advantage = baseline(np.array(reward))
    ...     baseline.update(np.array(reward))
    >>> advantage.round(2).tolist(), round(float(baseline.value), 2)
    ([8.9, 10.9], 2.09)
    """

    def __init__(self, momentum=0.9):
        if not 0 <= momentum < 1:
            raise ValueError(f"MovingBaseline: momentum lies in [0, 1); got {momentum}")
        self.momentum = momentum
        self.register_buffer("value", np.zeros((), np.float32))

    def forward(self, reward):
        """The advantage R − b, in the shape of the reward; of whole numbers in b's dtype."""
        reward = reward if isinstance(reward, Tensor) else np.asarray(reward)
        dtype = reward.dtype if reward.dtype.kind == "f" else self.value.dtype
        return reward.astype(dtype) - self.value.astype(dtype)

    def update(self, reward):
        """Move b towards the mean of these rewards; call it after `forward`, for b must not know what it judges."""
        mean = np.mean(reward.data if isinstance(reward, Tensor) else reward)
        # b ← m b + (1 − m) mean(R)
        self.value[...] = self.momentum * self.value + (1 - self.momentum) * mean

    def extra_repr(self):
        return f"momentum={self.momentum}"


class LearnedBaseline(Module):
    r"""The reward predicted from what is known before the draw: $b = w^\top x + \beta$.

    Parameters
    ----------
    width : int
        D of x.
    rng : numpy.random.Generator

    Attributes
    ----------
    linear : Linear

    Notes
    -----
    Train it with `functional.mse_loss(baseline(x), reward)`. Detach x if the squared error is not to train the layers
    that x comes from; `reinforce_loss` detaches b.

    References
    ----------
    Mnih, Gregor (2014), Neural variational inference and learning in belief networks, §2.3 (input-dependent baselines).

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> tm.nn.LearnedBaseline(8, rng=np.random.default_rng(0))(tm.tensor(np.ones((2, 5, 8)))).shape
    (2, 5)
    """

    def __init__(self, width, *, rng):
        self.linear = Linear(width, 1, rng=rng)

    def forward(self, x):
        """x (..., D) to (...,)."""
        return self.linear(x)[..., 0]
