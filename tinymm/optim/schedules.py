"""Learning-rate schedules: each is a function of the number of steps taken,
and a class that applies it to an optimiser.

A schedule multiplies nothing step by step, so its only state is that number, and no rounding error accumulates.
"""

import math

import numpy as np

__all__ = ["CosineAnnealingLR", "LambdaLR", "LinearWarmup", "OneCycleLR", "WarmupCosine", "cosine", "linear_warmup",
           "one_cycle"]


def cosine(start, end, fraction):
    r"""Half a cosine from one value to another: $e + (s - e)\,(1 + \cos \pi f)/2$.

    Parameters
    ----------
    start, end : float
        s and e, the values at f = 0 and f = 1.
    fraction : float
        f; beyond 1 the cosine turns back towards the start.

    Returns
    -------
    float

    References
    ----------
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017, equation 5.

    Examples
    --------
    >>> [round(cosine(1.0, 0.0, f), 3) for f in (0, 0.25, 0.5, 1)]
    [1.0, 0.854, 0.5, 0.0]
    """
    return end + (start - end) * (1 + math.cos(math.pi * fraction)) / 2


def linear_warmup(step, warmup_steps):
    r"""The factor $\min(1, (t + 1)/w)$ for the step t = 0, 1, …: the first steps are small, none is zero.

    Parameters
    ----------
    step, warmup_steps : int
        t and w.

    Returns
    -------
    float

    Examples
    --------
    >>> [linear_warmup(t, 4) for t in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """
    return min(1.0, (step + 1) / max(warmup_steps, 1))


def one_cycle(step, total_steps, max_lr, pct_start=0.3, div_factor=25.0, final_div_factor=1e4):
    """The learning rate of the step t: half a cosine up from max_lr/div_factor, then half a cosine down.

    Parameters
    ----------
    step, total_steps : int
    max_lr : float
        The peak.
    pct_start : float
        The share of the steps that goes up.
    div_factor : float
        The start is ``max_lr / div_factor``.
    final_div_factor : float
        The end is the start divided by this.

    Returns
    -------
    float

    References
    ----------
    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates", 2018.

    Examples
    --------
    >>> [round(one_cycle(t, 10, 1.0), 3) for t in (0, 1, 2, 5, 9)]
    [0.04, 0.52, 1.0, 0.611, 0.0]
    """
    first_lr = max_lr / div_factor
    last_lr = first_lr / final_div_factor
    peak = pct_start * total_steps - 1      # the step of the highest rate
    last = total_steps - 1
    if step <= peak:
        return cosine(first_lr, max_lr, step / peak if peak else 1.0)
    return cosine(max_lr, last_lr, (step - peak) / (last - peak))


class LambdaLR:
    """Multiply the learning rate of each parameter group by a function of the step.

    Parameters
    ----------
    optimizer : Optimizer
        Its groups remember the rate they were made with as `initial_lr`.
    lr_lambda : callable
        From the number of steps taken (int) to a factor (float).

    Attributes
    ----------
    last_epoch : int
        The number of steps taken; the name is PyTorch's.

    Notes
    -----
    Call `step()` after each `optimizer.step()`. The first step of the optimiser runs at ``lr_lambda(0)``. As in
    PyTorch, a second schedule starts from the same `initial_lr`, even if `lr` was set by hand in between: to start from
    another rate, set `initial_lr`.

    Examples
    --------
    >>> import tinymm as tm
    >>> optimizer = tm.optim.SGD([tm.tensor([1.0], requires_grad=True)], lr=0.5)
    >>> schedule = LambdaLR(optimizer, lambda t: 1 / (1 + t))
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(self, optimizer, lr_lambda):
        self.optimizer = optimizer
        self.lr_lambda = lr_lambda
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self._go_to(0)

    def rate(self, step, initial_lr):
        """The learning rate after `step` steps, of a group made with `initial_lr`."""
        return initial_lr * self.lr_lambda(step)

    def step(self):
        """One more step was taken: set the rates for the next."""
        self._go_to(self.last_epoch + 1)

    def _go_to(self, step):
        """Set the rates of a step; nothing changes if there is none."""
        groups = self.optimizer.param_groups
        rates = [self.rate(step, group["initial_lr"]) for group in groups]
        for group, rate in zip(groups, rates):
            group["lr"] = rate
        self.last_epoch = step

    def get_last_lr(self):
        """The rate of each group (list of float), as the next optimiser step will use it."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self):
        """The number of steps taken: dict of str to ndarray."""
        return {"last_epoch": np.array(self.last_epoch)}

    def load_state_dict(self, state):
        """Go on from where `state_dict` was taken; the optimiser's own state carries the initial rates.

        Raises
        ------
        ValueError
            If the state is no whole number of steps, or one that this schedule does not have. Then nothing is changed.
        """
        step = np.asarray(state.get("last_epoch"))
        if step.dtype.kind not in "iu" or step.ndim or step < 0:
            raise ValueError(f"load_state_dict: the state of a {type(self).__name__} is last_epoch, a number of steps; "
                             f"got {dict(state)}")
        self._go_to(int(step))


class LinearWarmup(LambdaLR):
    """Rise linearly to the full rate over the first `warmup_steps`, then stay there (see `linear_warmup`).

    Examples
    --------
    >>> import tinymm as tm
    >>> optimizer = tm.optim.SGD([tm.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> LinearWarmup(optimizer, 4).get_last_lr()
    [0.25]
    """

    def __init__(self, optimizer, warmup_steps):
        super().__init__(optimizer, lambda t: linear_warmup(t, warmup_steps))


class WarmupCosine(LambdaLR):
    """Rise linearly over `warmup_steps`, then fall along half a cosine to `min_factor` of the rate at `total_steps`.

    Examples
    --------
    >>> import tinymm as tm
    >>> optimizer = tm.optim.SGD([tm.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = WarmupCosine(optimizer, 2, 6)
    >>> [round(schedule.rate(t, 1.0), 3) for t in range(8)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    def __init__(self, optimizer, warmup_steps, total_steps, min_factor=0.0):
        if not 0 <= warmup_steps < total_steps:
            raise ValueError("WarmupCosine: warmup_steps must be in [0, total_steps); "
                             f"got {warmup_steps}, {total_steps}")

        def factor(t):
            if t < warmup_steps:
                return linear_warmup(t, warmup_steps)
            return cosine(1.0, min_factor, min(1.0, (t - warmup_steps) / (total_steps - warmup_steps)))

        super().__init__(optimizer, factor)


class CosineAnnealingLR(LambdaLR):
    r"""Half a cosine from the full rate to `eta_min` over `T_max` steps; after that the rate rises again.

    $$\eta_t = \eta_{\min} + (\eta_0 - \eta_{\min})\,(1 + \cos(\pi t/T_{\max}))/2$$

    Examples
    --------
    >>> import tinymm as tm
    >>> optimizer = tm.optim.SGD([tm.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = CosineAnnealingLR(optimizer, T_max=4)
    >>> [round(schedule.rate(t, 1.0), 3) for t in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """

    def __init__(self, optimizer, T_max, eta_min=0.0):
        if T_max < 1:
            raise ValueError(f"CosineAnnealingLR: T_max must be at least 1; got {T_max}")
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, None)

    def rate(self, step, initial_lr):
        """The learning rate after `step` steps."""
        return cosine(initial_lr, self.eta_min, step / self.T_max)


class OneCycleLR(LambdaLR):
    """Up to `max_lr` and down again, once, along two half cosines (see `one_cycle`).

    Parameters
    ----------
    optimizer : Optimizer
    max_lr : float
    total_steps : int
    pct_start, div_factor, final_div_factor : float
        As for `one_cycle`.

    Raises
    ------
    ValueError
        If the schedule has no room to rise and fall, and when stepped beyond `total_steps`.

    Notes
    -----
    PyTorch's class of this name with `cycle_momentum=False`, whose default would also swing the momentum.

    Examples
    --------
    >>> import tinymm as tm
    >>> optimizer = tm.optim.SGD([tm.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = OneCycleLR(optimizer, max_lr=0.5, total_steps=10)
    >>> [round(schedule.rate(t, 1.0), 3) for t in (0, 1, 2, 5, 9)]
    [0.02, 0.26, 0.5, 0.306, 0.0]
    """

    def __init__(self, optimizer, max_lr, total_steps, pct_start=0.3, div_factor=25.0, final_div_factor=1e4):
        if not 1 <= pct_start * total_steps < total_steps:
            raise ValueError("OneCycleLR: pct_start of total_steps must be at least one step and not all of them; "
                             f"got {pct_start} of {total_steps}")
        self.total_steps = total_steps
        self.cycle = {"max_lr": max_lr, "pct_start": pct_start, "div_factor": div_factor,
                      "final_div_factor": final_div_factor}
        super().__init__(optimizer, None)

    def rate(self, step, initial_lr):
        """The learning rate after `step` steps."""
        if step > self.total_steps:
            raise ValueError(f"OneCycleLR: the schedule ends after {self.total_steps} steps; got step {step}")
        return one_cycle(min(step, self.total_steps - 1), self.total_steps, **self.cycle)
