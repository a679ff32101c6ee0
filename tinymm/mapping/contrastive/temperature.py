r"""The learned scale of the cosines. A cosine lies in [−1, 1]; a softmax over so small a range is nearly flat."""

import math

import numpy as np

from ...nn import Module, Parameter

__all__ = ["SigmoidScale", "Temperature"]

LARGEST = math.log(100)


class Temperature(Module):
    r"""A learned temperature $\tau$, kept as $\text{log\_scale} = -\ln \tau$, so that $1/\tau$ is always positive.

    Parameters
    ----------
    start : float
        τ at the start.

    Attributes
    ----------
    log_scale : Parameter ()

    Notes
    -----
    Call `clamp_` after each step of the optimiser (`Trainer.after_step`): without it the scale grows as long as the
    pairs can still be told apart better, until one rounding error decides a softmax. Weight decay pulls the scale
    towards 1; CLIP leaves it out.

    References
    ----------
    Radford et al. (2021), §2.4 and 2.5: start 0.07, 1/τ at most 100.

    Examples
    --------
    >>> temperature = Temperature()
    >>> round(temperature().item(), 4)
    2.6593
    """

    def __init__(self, start=0.07):
        if not 0.01 <= start <= 1:
            raise ValueError(f"Temperature: start must lie in [0.01, 1]; got {start}")
        self.log_scale = Parameter(np.array(-math.log(start), np.float32))

    def forward(self):
        """The parameter log_scale, a Tensor ()."""
        return self.log_scale

    def clamp_(self):
        """Bring log_scale back into [0, ln 100], in place."""
        self.log_scale.data[...] = self.log_scale.data.clip(0, LARGEST)


class SigmoidScale(Module):
    r"""SigLIP's learned scale and bias, which start at $\ln 10$ and $-10$: nearly all pairs of a batch are wrong ones.

    Attributes
    ----------
    log_scale, bias : Parameter ()

    References
    ----------
    Zhai et al. (2023), §3.2 and Table 4 (what the bias is good for).

    Examples
    --------
    >>> log_scale, bias = SigmoidScale()()
    >>> round(log_scale.item(), 4), bias.item()
    (2.3026, -10.0)
    """

    def __init__(self):
        self.log_scale = Parameter(np.array(math.log(10), np.float32))
        self.bias = Parameter(np.array(-10, np.float32))

    def forward(self):
        """log_scale and bias, each a Tensor ()."""
        return self.log_scale, self.bias

    def clamp_(self):
        """Bring log_scale back into [0, ln 100], in place; the bias is free."""
        self.log_scale.data[...] = self.log_scale.data.clip(0, LARGEST)
