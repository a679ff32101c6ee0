"""Normalisations: per token (layer, RMS), per group of channels, per channel of a batch."""

import numpy as np

from .. import functional as F
from .module import Module
from .parameter import Parameter

__all__ = ["LayerNorm", "RMSNorm"]


class LayerNorm(Module):
    r"""Zero mean and unit variance over the last axes: $y = \gamma \odot (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta$.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The last axes.
    eps : float

    Attributes
    ----------
    weight, bias : Parameter, in the normalised shape
        $\gamma$, starts at 1; $\beta$, starts at 0.

    References
    ----------
    Ba et al. (2016), Layer normalization, eq. 4.

    Examples
    --------
    >>> import tinymm as tm
    >>> tm.nn.LayerNorm(2)(tm.tensor([[3.0, 5.0]])).data.round(3).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(self, normalized_shape, eps=1e-5):
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.weight = Parameter(np.ones(self.normalized_shape, np.float32))
        self.bias = Parameter(np.zeros(self.normalized_shape, np.float32))

    def forward(self, x):
        """x (..., *normalized_shape) to the same shape."""
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return f"{self.normalized_shape}, eps={self.eps}"


class RMSNorm(Module):
    r"""Unit root mean square over the last axes: $y = \gamma \odot x / \sqrt{\overline{x^2} + \epsilon}$.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The last axes.
    eps : float, optional
        Default: the machine epsilon of the dtype of x, as in PyTorch.

    Attributes
    ----------
    weight : Parameter, in the normalised shape
        $\gamma$, starts at 1.

    References
    ----------
    Zhang & Sennrich (2019), Root mean square layer normalization, eq. 4.

    Examples
    --------
    >>> import tinymm as tm
    >>> tm.nn.RMSNorm(2)(tm.tensor([[3.0, -3.0]])).data.round(3).tolist()
    [[1.0, -1.0]]
    """

    def __init__(self, normalized_shape, eps=None):
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.weight = Parameter(np.ones(self.normalized_shape, np.float32))

    def forward(self, x):
        """x (..., *normalized_shape) to the same shape."""
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self):
        return f"{self.normalized_shape}, eps={self.eps}"


def _shape(normalized_shape):
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
