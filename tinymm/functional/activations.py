"""The nonlinearities between two linear maps, elementwise. Sigmoid, tanh and softplus are in `elementwise`."""

import math

import numpy as np
from scipy.special import ndtr

from ..autograd import op, saving
from ..cores.blocks import as_floating, in_blocks
from .elementwise import erf, sigmoid, tanh
from .normal import NORMAL_CDF, TANH_GELU, tanh_of_odd
from .selection import where

__all__ = ["elu", "gelu", "leaky_relu", "quick_gelu", "relu", "signed_sqrt", "silu"]


@op
def relu(x):
    r"""Rectifier, elementwise: $y = \max(x, 0)$. The derivative at 0 is 0.

    Parameters
    ----------
    x : Tensor or array_like

    Returns
    -------
    Tensor
        In the shape of x.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.relu(np.array([-2.0, 3.0]))
    array([0., 3.])
    """
    return np.maximum(x, 0)


@relu.vjp
def relu_vjp(g, y):                 # x̄ = 0 where y ≤ 0, else g (also where y is NaN)
    return where(y <= 0, 0, g)


@op
def leaky_relu(x, negative_slope=0.01):
    r"""Rectifier with a leak, elementwise: $y = x$ where $x > 0$, else $y = a x$.

    Parameters
    ----------
    x : Tensor or array_like
    negative_slope : float
        The a of the formula.

    Returns
    -------
    Tensor
        In the shape of x.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.leaky_relu(np.array([-2.0, 3.0]))
    array([-0.02,  3.  ])
    """
    return (np.maximum if negative_slope <= 1 else np.minimum)(x, negative_slope * x)


@leaky_relu.vjp
def leaky_relu_vjp(g, x, negative_slope):   # x̄ = g where x > 0, else a g
    return where(x > 0, g, 0) + where(x > 0, 0, negative_slope * g)


@op
def elu(x, alpha=1.0):
    r"""Exponential linear unit, elementwise: $y = x$ where $x > 0$, else $y = \alpha (e^x - 1)$.

    Parameters
    ----------
    x : Tensor or array_like
    alpha : float
        The limit at minus infinity is $-\alpha$.

    Returns
    -------
    Tensor
        In the shape of x.

    Notes
    -----
    At 0, where both jump, the first and the second derivative are those from the left: both are $\alpha$.

    References
    ----------
    Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by exponential linear units", 2016.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.elu(np.array([-1000.0, 3.0]))
    array([-1.,  3.])
    """
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))


@elu.vjp
def elu_vjp(g, x, alpha):           # x̄ = g where x > 0, else g α e^x; y + α would have lost its digits
    return where(x > 0, g, g * (alpha * np.exp(where(x > 0, 0, x))))


@op
def silu(x):
    r"""Sigmoid linear unit (swish), elementwise: $y = x\,\sigma(x)$.

    Parameters
    ----------
    x : Tensor or array_like

    Returns
    -------
    Tensor
        In the shape of x.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.silu(np.array([0.0, 50.0]))
    array([ 0., 50.])
    """
    return x * sigmoid(x)


@silu.vjp
def silu_vjp(g, x):                 # x̄ = g ⊙ σ(x) (1 + x (1 − σ(x)))
    s = sigmoid(x)
    return g * (s * (1 + x * (1 - s)))


@op
def quick_gelu(x):
    r"""The sigmoid approximation of GELU that CLIP was trained with, elementwise: $y = x\,\sigma(1.702\,x)$.

    Parameters
    ----------
    x : Tensor or array_like

    Returns
    -------
    Tensor
        In the shape of x.

    References
    ----------
    Hendrycks, Gimpel, "Gaussian error linear units", 2016, section 2.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.quick_gelu(np.array([0.0, 1.0])).round(4)
    array([0.    , 0.8458])
    """
    with np.errstate(over="ignore"):
        return x / (1 + np.exp(-1.702 * x))


@quick_gelu.vjp
def quick_gelu_vjp(g, x):           # x̄ = g ⊙ σ(1.702x) (1 + 1.702x (1 − σ(1.702x)))
    s = sigmoid(1.702 * x)
    return g * (s * (1 + 1.702 * x * (1 - s)))


@op
def gelu(x, approximate="none"):
    r"""Gaussian error linear unit, elementwise: $y = x\,\Phi(x)$, with the normal distribution function $\Phi$.

    Parameters
    ----------
    x : Tensor or array_like
    approximate : {"none", "tanh"}
        "tanh" replaces $\Phi(x)$ by $\tfrac12 (1 + \tanh(\sqrt{2/\pi}\,(x + 0.044715\,x^3)))$, as in GPT-2.

    Returns
    -------
    Tensor
        In the shape of x.

    Raises
    ------
    ValueError
        If `approximate` is something else.

    Notes
    -----
    In float32 $\Phi$ is computed as a tanh of a polynomial (see `normal`), within 1.2e-7 (one epsilon) of the true
    value and many times faster than an erf. In float64 it is SciPy's.

    References
    ----------
    Hendrycks, Gimpel, "Gaussian error linear units", 2016, equation 2 and the approximation below it.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.gelu(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.1587,  0.    ,  0.8413])
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: approximate is 'none' or 'tanh'; got {approximate!r}")

    x = as_floating(x)

    def fill(y, cdf, x):
        if approximate == "none" and x.dtype != np.float32:
            ndtr(x, out=cdf)
        else:
            tanh_of_odd(cdf, x, TANH_GELU if approximate == "tanh" else NORMAL_CDF)
            cdf *= 0.5
            cdf += 0.5                  # Φ = ½ tanh + ½
        np.multiply(x, cdf, out=y)

    y, cdf = in_blocks(fill, x, results=2)
    return saving(y, cdf=cdf)


@gelu.vjp
def gelu_vjp(g, x, approximate, cdf):
    if approximate == "tanh":
        return in_blocks(_tanh_gelu_slope, g, x, cdf)
    return in_blocks(_gelu_slope, g, x, cdf)


@gelu.composite
def gelu_composite(x, approximate):
    if approximate == "tanh":
        a, b = TANH_GELU
        return x * (0.5 + 0.5 * tanh(x * (a + b * (x * x))))
    return x * (0.5 + 0.5 * erf(x * math.sqrt(0.5)))


def _gelu_slope(d, g, x, cdf):       # x̄ = g ⊙ (Φ(x) + x φ(x)),  φ(x) = e^(−x²/2) / √(2π)
    np.multiply(x, x, out=d)
    d *= -0.5
    np.exp(d, out=d)
    d *= x
    d *= 1 / math.sqrt(2 * math.pi)
    d += cdf
    d *= g


def _tanh_gelu_slope(d, g, x, cdf):  # x̄ = g ⊙ (Φ + x 2Φ(1 − Φ) u′),  u = a x + b x³
    a, b = TANH_GELU
    z = np.clip(x, -10.0, 10.0)     # Φ(1 − Φ) is 0 beyond
    np.multiply(z, z, out=d)
    d *= 3 * b
    d += a
    d *= z
    d *= cdf
    d *= 2 * (1 - cdf)
    d += cdf
    d *= g


@op
def signed_sqrt(x):
    r"""Square root of the size, with the sign kept: $y = \operatorname{sign}(x)\sqrt{|x|}$. Its derivative at 0 is 0.

    Parameters
    ----------
    x : Tensor or array_like

    Returns
    -------
    Tensor
        In the shape of x.

    Notes
    -----
    Towards 0 the slope $1 / (2\sqrt{|x|})$ grows beyond all bounds from both sides, so that no number continues it. It
    is defined as 0 there: products of ReLU features and of absent modalities are exactly 0 and stay so in a whole
    neighbourhood of the inputs, and there 0 is the slope of the composition. The form
    $\sqrt{\max(x, 0)} - \sqrt{\max(-x, 0)}$ multiplies infinity by zero at that point, which is NaN.

    References
    ----------
    Perronnin, Sánchez and Mensink (2010), Improving the Fisher kernel for large-scale image classification, §3.2.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.signed_sqrt(np.array([-4.0, 0.0, 9.0]))
    array([-2.,  0.,  3.])
    """
    return np.sign(x) * np.sqrt(np.abs(x))


@signed_sqrt.vjp
def signed_sqrt_vjp(g, y):          # x̄ = g / 2|y|, and 0 where y = 0
    zero = y == 0
    return where(zero, 0, g) / (2 * np.abs(where(zero, 1, y)))
