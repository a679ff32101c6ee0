r"""The gradient of an expectation over locations: exact by enumeration, or estimated from one draw (REINFORCE).

$$J = \mathrm E_{s \sim \alpha}[R_s], \qquad \frac{\partial J}{\partial e} = \mathrm E\big[(R_s - b)\, u_s\big], \qquad
u_s = \frac{\partial \ln\alpha_s}{\partial e} = \mathbb 1_s - \alpha, \qquad \alpha = \operatorname{softmax}(e)$$

for every number b that does not depend on s, since $\mathrm E[u_s] = 0$. What b changes is the variance.
"""

import numpy as np

from ...autograd import Tensor
from ..reductions import mean
from ..reductions import sum as sum_
from ..selection import where
from ..softmaxes import softmax
from .hard import allowed

__all__ = ["expected_reward", "optimal_baseline", "reinforce_loss", "reinforce_variance"]


def expected_reward(scores, rewards, mask=None):
    r"""The expectation itself, when there are few locations: $J = \sum_s \alpha_s R_s$;
    its gradient is $\alpha_s (R_s - J)$.

    Parameters
    ----------
    scores : Tensor or ndarray, (..., S)
    rewards : Tensor or ndarray, (..., S)
        What each location would bring.
    mask : boolean ndarray, optional
        That of `attention_weights`.

    Returns
    -------
    Tensor
        (...,).

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> float(F.expected_reward(np.log([1.0, 3.0]), np.array([0.0, 8.0])).round(6))
    6.0
    """
    rewards = rewards if mask is None else where(mask, rewards, 0.0)
    return sum_(softmax(allowed(scores, mask), -1) * rewards, -1)


def reinforce_loss(log_probability, reward, baseline=0.0):
    r"""A loss whose gradient is an unbiased estimate of that of −J:
    $\ell = -\operatorname{mean}\big((R - b) \ln\pi(s)\big)$.

    Parameters
    ----------
    log_probability : Tensor, any shape
        $\ln\pi(s)$ of what was drawn.
    reward, baseline : array_like or Tensor, of that shape or broadcasting to it
        R and b; both are taken as constants, even if they are Tensors.

    Returns
    -------
    Tensor, ()
        Its value means nothing, only its gradient.

    Raises
    ------
    ValueError
        If reward and baseline do not broadcast to the log-probabilities.

    References
    ----------
    Williams, "Simple statistical gradient-following algorithms for connectionist reinforcement learning", 1992; Xu et
    al., "Show, attend and tell", 2015, equation 11.

    Examples
    --------
    >>> import numpy as np, tinymm as tm, tinymm.functional as F
    >>> log_p = tm.tensor(np.log([0.5, 0.25]), requires_grad=True)
    >>> F.reinforce_loss(log_p, np.array([1.0, 3.0]), baseline=2.0).backward()
    >>> log_p.grad
    array([ 0.5, -0.5])
    """
    reward = reward.data if isinstance(reward, Tensor) else np.asarray(reward)
    baseline = baseline.data if isinstance(baseline, Tensor) else np.asarray(baseline)
    advantage = (reward - baseline).astype(log_probability.dtype)
    if np.broadcast_shapes(advantage.shape, log_probability.shape) != log_probability.shape:
        raise ValueError("reinforce_loss: reward and baseline must broadcast to the log-probabilities; "
                         f"got {reward.shape} and {baseline.shape} for {log_probability.shape}")
    return -mean(advantage * log_probability)


def reinforce_variance(scores, rewards, baseline=0.0):
    r"""The variance of an estimate from one draw: $\mathrm E[(R_s - b)^2\,\|u_s\|^2] - \|\mathrm E[R_s u_s]\|^2$.

    Parameters
    ----------
    scores, rewards : Tensor or ndarray, (..., S)
    baseline : float or array, (...,)
        b.

    Returns
    -------
    Tensor
        (...,): the trace of the estimate's covariance. The mean of n independent draws has 1/n of it.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> rewards = np.array([10.0, 12.0])
    >>> [float(F.reinforce_variance(np.zeros(2), rewards, b).round(6)) for b in (0, 11)]
    [60.5, 0.0]
    """
    alpha, length = _lengths(scores)
    J = sum_(alpha * rewards, -1, keepdims=True)
    advantage = rewards - (baseline[..., None] if getattr(baseline, "ndim", 0) else baseline)
    exact = alpha * (rewards - J)                                               # ∂J/∂e
    return sum_(alpha * advantage * advantage * length, -1) - sum_(exact * exact, -1)


def optimal_baseline(scores, rewards):
    r"""The b of least variance: $b^\star = \mathrm E[R_s \|u_s\|^2] / \mathrm E[\|u_s\|^2]$.

    Parameters
    ----------
    scores, rewards : Tensor or ndarray, (..., S)

    Returns
    -------
    Tensor
        (...,).

    Notes
    -----
    It is where the derivative of $\mathrm E[(R_s - b)^2\|u_s\|^2]$ by b is zero. The usual baseline, $b = J$, is the
    same if $\|u_s\|^2$ does not depend on s, as for equal weights.

    References
    ----------
    Greensmith, Bartlett, Baxter, "Variance reduction techniques for gradient estimates
    in reinforcement learning", 2004.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> float(F.optimal_baseline(np.zeros(3), np.array([1.0, 2.0, 6.0])).round(6))
    3.0
    """
    alpha, length = _lengths(scores)
    return sum_(alpha * length * rewards, -1) / sum_(alpha * length, -1)


def _lengths(scores):
    """α, and ‖u_s‖² = 1 − 2 α_s + Σ α² of every s."""
    alpha = softmax(scores, -1)
    return alpha, 1 - 2 * alpha + sum_(alpha * alpha, -1, keepdims=True)
