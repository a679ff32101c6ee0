"""Adam, and AdamW which decays the weights beside the gradient instead of through it."""

import math

import numpy as np

from .optimizer import Optimizer, blocks

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    r"""Adam: each coordinate's step is its mean gradient over the root of its mean square.

    $$m_t = \beta_1 m_{t-1} + (1-\beta_1) g,\qquad v_t = \beta_2 v_{t-1} + (1-\beta_2) g^2,\qquad
    \theta \leftarrow \theta - \gamma\,\frac{m_t/(1-\beta_1^t)}{\sqrt{v_t/(1-\beta_2^t)} + \epsilon}$$

    Parameters
    ----------
    params : iterable of Tensor, or list of dict
        Parameters or groups of them (see `Optimizer`).
    lr : float
        The learning rate γ.
    betas : tuple of float
        β₁ and β₂.
    eps : float
        ε.
    weight_decay : float
        λ, the factor of an L2 penalty: $g \leftarrow g + \lambda\theta$ goes through both moments.

    Raises
    ------
    ValueError
        If a hyperparameter is negative or NaN, or a beta not below 1.

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization", 2015, Algorithm 1, in the order of computation that
    the end of section 2 recommends.

    Examples
    --------
    >>> import tinymm as tm
    >>> x = tm.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = tm.optim.Adam([x], lr=0.5)
    >>> (x * x).backward([1.0, 1.0])
    >>> optimizer.step()
    >>> x.data
    array([ 0.5, -1.5], dtype=float32)
    """

    entries = ("step", "exp_avg", "exp_avg_sq")

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay})

    def check(self, group):
        name = type(self).__name__
        lr = group["lr"]
        eps = group["eps"]
        weight_decay = group["weight_decay"]
        betas = tuple(group["betas"])
        if not all(value >= 0 for value in (lr, eps, weight_decay)):
            raise ValueError(f"{name}: lr, eps and weight_decay must not be negative; got {lr}, {eps}, {weight_decay}")
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"{name}: betas must be two numbers in [0, 1); got {betas}")

    def update(self, p, g, state, group):
        """One step of one parameter."""
        if not state:
            state.update(step=0, exp_avg=np.zeros_like(p), exp_avg_sq=np.zeros_like(p))
        state["step"] += 1
        t = state["step"]
        beta1, beta2 = group["betas"]
        # m and v stay uncorrected; the step size and ε take over their corrections
        root = math.sqrt(1 - beta2**t)
        step_size = group["lr"] * root / (1 - beta1**t)     # γ̂ = γ √(1 − β₂ᵗ) / (1 − β₁ᵗ)
        eps = group["eps"] * root                           # ε̂ = ε √(1 − β₂ᵗ)
        for p, g, m, v, scratch in blocks(p, g, state["exp_avg"], state["exp_avg_sq"]):
            g = self.decay(p, g, group)
            np.subtract(g, m, out=scratch)      # m ← m + (1 − β₁)(g − m)
            scratch *= 1 - beta1
            m += scratch
            np.multiply(g, 1 - beta2, out=scratch)      # v ← β₂ v + (1 − β₂) g², which may be in range where g² is not
            scratch *= g
            v *= beta2
            v += scratch
            np.sqrt(v, out=scratch)             # θ ← θ − γ̂ m / (√v + ε̂)
            scratch += eps
            np.divide(m, scratch, out=scratch)
            scratch *= step_size
            p -= scratch

    def decay(self, p, g, group):
        """The gradient with the penalty's: g + λθ."""
        return g + group["weight_decay"] * p if group["weight_decay"] else g


class AdamW(Adam):
    r"""Adam with decoupled weight decay: $\theta \leftarrow (1 - \gamma\lambda)\,\theta$, then a plain Adam step.

    Parameters
    ----------
    params, lr, betas, eps
        As for `Adam`.
    weight_decay : float
        λ.

    Notes
    -----
    The decay is multiplied by the learning rate, as in PyTorch; the paper multiplies it by the schedule factor alone.

    References
    ----------
    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, Algorithm 2.

    Examples
    --------
    >>> import tinymm as tm
    >>> x = tm.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = tm.optim.AdamW([x], lr=0.5, weight_decay=0.25)
    >>> (x * x).backward([1.0, 1.0])
    >>> optimizer.step()
    >>> x.data.round(3)
    array([ 0.375, -1.25 ], dtype=float32)
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        super().__init__(params, lr, betas, eps, weight_decay)

    def decay(self, p, g, group):
        """The gradient unchanged; the parameter itself shrinks in place: θ ← (1 − γλ) θ."""
        if group["weight_decay"]:
            p *= 1 - group["lr"] * group["weight_decay"]
        return g
