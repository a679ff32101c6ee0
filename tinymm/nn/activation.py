"""Activations as Modules, for use in a Sequential."""

from .. import functional as F
from .module import Module

__all__ = ["GELU", "ReLU", "SiLU", "Sigmoid", "Tanh"]


class ReLU(Module):
    r"""$y = \max(0, x)$, elementwise.

    Examples
    --------
    >>> import tinymm as tm
    >>> tm.nn.ReLU()(tm.tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def forward(self, x):
        """x of any shape to the same shape."""
        return F.relu(x)


class GELU(Module):
    r"""$y = x\,\Phi(x)$, elementwise, $\Phi$ the normal distribution function.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        The error function, or its approximation by a tanh (as in GPT-2).

    References
    ----------
    Hendrycks & Gimpel (2016), Gaussian error linear units.

    Examples
    --------
    >>> import tinymm as tm
    >>> round(tm.nn.GELU()(tm.tensor(1.0)).item(), 4)
    0.8413
    """

    def __init__(self, approximate="none"):
        self.approximate = approximate

    def forward(self, x):
        """x of any shape to the same shape."""
        return F.gelu(x, approximate=self.approximate)

    def extra_repr(self):
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    r"""$y = x\,\sigma(x)$, elementwise; also called swish.

    Examples
    --------
    >>> import tinymm as tm
    >>> round(tm.nn.SiLU()(tm.tensor(1.0)).item(), 4)
    0.7311
    """

    def forward(self, x):
        """x of any shape to the same shape."""
        return F.silu(x)


class Tanh(Module):
    r"""$y = \tanh x$, elementwise.

    Examples
    --------
    >>> import tinymm as tm
    >>> tm.nn.Tanh()(tm.tensor([0.0])).tolist()
    [0.0]
    """

    def forward(self, x):
        """x of any shape to the same shape."""
        return F.tanh(x)


class Sigmoid(Module):
    r"""$y = 1 / (1 + e^{-x})$, elementwise.

    Examples
    --------
    >>> import tinymm as tm
    >>> tm.nn.Sigmoid()(tm.tensor([0.0])).tolist()
    [0.5]
    """

    def forward(self, x):
        """x of any shape to the same shape."""
        return F.sigmoid(x)
