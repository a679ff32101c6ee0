"""Stochastic gradient descent with momentum."""

import numpy as np

from .optimizer import Optimizer, blocks

__all__ = ["SGD"]


class SGD(Optimizer):
    r"""Stochastic gradient descent, with momentum, Nesterov's look-ahead and weight decay.

    $$g \leftarrow g + \lambda\theta,\qquad b_1 = g,\quad b_t = \mu b_{t-1} + (1-\tau) g,\qquad
    \theta \leftarrow \theta - \gamma b_t$$

    and with `nesterov` $\theta \leftarrow \theta - \gamma\,(g + \mu b_t)$.

    Parameters
    ----------
    params : iterable of Tensor, or list of dict
        Parameters or groups of them (see `Optimizer`).
    lr : float
        The learning rate γ.
    momentum : float
        μ; 0 for none.
    dampening : float
        τ.
    weight_decay : float
        λ, the factor of an L2 penalty λ‖θ‖²/2.
    nesterov : bool

    Raises
    ------
    ValueError
        If a hyperparameter is negative or NaN, or `nesterov` is asked for without momentum or with dampening.

    Notes
    -----
    The learning rate stands outside the momentum buffer, as in PyTorch; in Sutskever et al. it stands inside.

    References
    ----------
    Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep learning", 2013,
    equations 1-4.

    Examples
    --------
    >>> import tinymm as tm
    >>> x = tm.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = tm.optim.SGD([x], lr=0.25)
    >>> (x * x).backward([1.0, 1.0])
    >>> optimizer.step()
    >>> x.data
    array([ 0.5, -1. ], dtype=float32)
    """

    entries = ("momentum_buffer",)

    def __init__(self, params, lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
        super().__init__(params, {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
                                  "nesterov": nesterov})

    def check(self, group):
        lr = group["lr"]
        momentum = group["momentum"]
        dampening = group["dampening"]
        weight_decay = group["weight_decay"]
        if not all(value >= 0 for value in (lr, momentum, dampening, weight_decay)):
            raise ValueError("SGD: lr, momentum, dampening and weight_decay must not be negative; "
                             f"got {lr}, {momentum}, {dampening}, {weight_decay}")
        if group["nesterov"] and (momentum == 0 or dampening != 0):
            raise ValueError(f"SGD: nesterov needs momentum and no dampening; got momentum {momentum}, "
                             f"dampening {dampening}")

    def update(self, p, g, state, group):
        """One step of one parameter."""
        mu = group["momentum"]
        is_first = "momentum_buffer" not in state
        if mu and is_first:
            state["momentum_buffer"] = np.zeros_like(p)
        tau = 0.0 if is_first else group["dampening"]           # b₁ = g, undamped
        buffer = state["momentum_buffer"] if mu else p          # without momentum b is never read
        for p, g, b, scratch in blocks(p, g, buffer):
            if group["weight_decay"]:
                g = g + group["weight_decay"] * p               # g ← g + λθ
            if mu:
                b *= mu                                         # b ← μ b + (1 − τ) g
                b += g if tau == 0 else g * (1 - tau)
                g = g + mu * b if group["nesterov"] else b
            np.multiply(g, group["lr"], out=scratch)            # θ ← θ − γ g
            p -= scratch
