"""Functions of one array, applied to each element: exponentials, roots, trigonometry, roundings, casts."""

import math

import numpy as np
import scipy.special

from ..autograd import op
from ..cores.blocks import in_blocks
from .normal import ERF, tanh_of_odd

__all__ = ["abs", "astype", "ceil", "cos", "erf", "exp", "expm1", "floor", "log", "log1p", "reciprocal", "round",
           "rsqrt", "sigmoid", "sign", "sin", "softplus", "sqrt", "square", "tanh"]


@op
def exp(x):
    r"""Exponential, elementwise: $y = e^x$.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.exp(np.array([0.0, 1.0])).round(3)
    array([1.   , 2.718])
    """
    return np.exp(x)


@exp.vjp
def exp_vjp(g, y):                  # x̄ = g ⊙ y
    return g * y


@op
def expm1(x):
    r"""Exponential minus one, accurate near 0: $y = e^x - 1$.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> float(F.expm1(np.array(1e-12)))
    1.0000000000005e-12
    """
    return np.expm1(x)


@expm1.vjp
def expm1_vjp(g, x):                # x̄ = g ⊙ eˣ; y + 1 would have lost the digits of eˣ below 0
    return g * np.exp(x)


@op
def log(x):
    r"""Natural logarithm, elementwise: $y = \ln x$.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.log(np.array([1.0, np.e]))
    array([0., 1.])
    """
    return np.log(x)


@log.vjp
def log_vjp(g, x):                  # x̄ = g / x
    return g / x


@op
def log1p(x):
    r"""Logarithm of one plus x, accurate near 0: $y = \ln(1 + x)$.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> float(F.log1p(np.array(1e-12)))
    9.999999999995e-13
    """
    return np.log1p(x)


@log1p.vjp
def log1p_vjp(g, x):                # x̄ = g / (1 + x)
    return g / (1 + x)


@op
def sqrt(x):
    r"""Square root, elementwise: $y = \sqrt{x}$. The derivative at 0 is infinite, as in PyTorch.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.sqrt(np.array([4.0, 9.0]))
    array([2., 3.])
    """
    return np.sqrt(x)


@sqrt.vjp
def sqrt_vjp(g, y):                 # x̄ = g / 2y
    return g / (2 * y)


@op
def rsqrt(x):
    r"""Reciprocal square root, elementwise: $y = x^{-1/2}$.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.rsqrt(np.array([4.0, 16.0]))
    array([0.5 , 0.25])
    """
    return 1 / np.sqrt(x)


@rsqrt.vjp
def rsqrt_vjp(g, y):                # x̄ = −g y³ / 2
    return g * -0.5 * y * y * y


@op
def square(x):
    r"""Square, elementwise: $y = x^2$.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.square(np.array([2.0, -3.0]))
    array([4., 9.])
    """
    return x * x


@square.vjp
def square_vjp(g, x):               # x̄ = 2 g ⊙ x
    return 2 * g * x


@op
def reciprocal(x):
    r"""Reciprocal, elementwise: $y = 1/x$.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.reciprocal(np.array([2.0, 4.0]))
    array([0.5 , 0.25])
    """
    return 1 / x


@reciprocal.vjp
def reciprocal_vjp(g, y):           # x̄ = −g ⊙ y²
    return -g * y * y


@op
def sin(x):
    r"""Sine, elementwise: $y = \sin x$, x in radians.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.sin(np.array([0.0]))
    array([0.])
    """
    return np.sin(x)


@sin.vjp
def sin_vjp(g, x):                  # x̄ = g ⊙ cos x
    return g * np.cos(x)


@op
def cos(x):
    r"""Cosine, elementwise: $y = \cos x$, x in radians.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.cos(np.array([0.0]))
    array([1.])
    """
    return np.cos(x)


@cos.vjp
def cos_vjp(g, x):                  # x̄ = −g ⊙ sin x
    return -g * np.sin(x)


@op
def tanh(x):
    r"""Hyperbolic tangent, elementwise: $y = \tanh x$.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.tanh(np.array([0.0, 50.0]))
    array([0., 1.])
    """
    return np.tanh(x)


@tanh.vjp
def tanh_vjp(g, x):                 # x̄ = g ⊙ (1 − y²) = g / cosh² x, which keeps its digits where y² is near 1
    with np.errstate(over="ignore"):
        c = np.cosh(x)
    return g / c / c


@tanh.composite
def tanh_composite(x):              # for second derivatives: tanh x = 2σ(2x) − 1
    return 2 * sigmoid(2 * x) - 1


@op
def sigmoid(x):
    r"""Logistic function, elementwise: $y = \sigma(x) = 1 / (1 + e^{-x})$.

    Notes
    -----
    Accurate far below 0 too, where $\ln\sigma(x) \approx x$; the equal $\tfrac12(1 + \tanh\tfrac{x}{2})$ would round
    to 0 from -37 down. Where $e^{-x}$ overflows, $1/\infty$ is the right 0.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.sigmoid(np.array([0.0, -1000.0]))
    array([0.5, 0. ])
    """
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-1.0 * x))  # times -1.0: unary minus would wrap unsigned integers around


@sigmoid.vjp
def sigmoid_vjp(g, x, y):           # x̄ = g ⊙ y (1 − y) = g ⊙ y σ(−x), which keeps its digits where y is near 1
    return g * y * sigmoid(-x)


@op
def softplus(x):
    r"""Smooth ramp, elementwise: $y = \ln(1 + e^x)$.

    Notes
    -----
    Computed as $\max(x, 0) + \ln(1 + e^{-|x|})$, which never overflows.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.softplus(np.array([0.0, 1000.0])).round(4)
    array([6.931e-01, 1.000e+03])
    """
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@softplus.vjp
def softplus_vjp(g, x):             # x̄ = g ⊙ σ(x)
    return g * sigmoid(x)


@op
def erf(x):
    r"""Error function, elementwise: $y = \frac{2}{\sqrt\pi}\int_0^x e^{-t^2} dt$.

    Up to float32 within 1.4e-7 (see `normal`) and many times faster than SciPy's function, which float64 uses.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.erf(np.array([0.0, 10.0]))
    array([0., 1.])
    """
    x = np.asarray(x)
    if x.dtype.char in "ef":
        y = in_blocks(lambda y, x: tanh_of_odd(y, x, ERF), x.astype(np.float32, copy=False))
        return y.astype(x.dtype, copy=False)
    return scipy.special.erf(x)


@erf.vjp
def erf_vjp(g, x):                  # x̄ = g ⊙ (2/√π) e^(−x²)
    return g * (2 / math.sqrt(math.pi)) * np.exp(-x * x)


@op
def abs(x):
    r"""Absolute value, elementwise: $y = |x|$. The derivative at 0 is 0.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.abs(np.array([-2.0, 3.0]))
    array([2., 3.])
    """
    return np.abs(x)


@abs.vjp
def abs_vjp(g, x):                  # x̄ = g ⊙ sign x, 0 where x is NaN
    return g * np.where(np.isnan(x), 0, np.sign(x))


@op
def sign(x):
    r"""Sign, elementwise: -1, 0 or 1. Its derivative is 0 wherever it exists.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.sign(np.array([-2.0, 0.0, 3.0]))
    array([-1.,  0.,  1.])
    """
    return np.sign(x)


@sign.vjp
def sign_vjp(g):                    # x̄ = 0
    return np.zeros_like(g)


@op
def floor(x):
    r"""Largest whole number not above x. Its derivative is 0 wherever it exists.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.floor(np.array([-1.5, 1.5]))
    array([-2.,  1.])
    """
    return np.floor(x)


@floor.vjp
def floor_vjp(g):                   # x̄ = 0
    return np.zeros_like(g)


@op
def ceil(x):
    r"""Smallest whole number not below x. Its derivative is 0 wherever it exists.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.ceil(np.array([-1.5, 1.5]))
    array([-1.,  2.])
    """
    return np.ceil(x)


@ceil.vjp
def ceil_vjp(g):                    # x̄ = 0
    return np.zeros_like(g)


@op
def round(x):
    r"""Nearest whole number, halves to even. Its derivative is 0 wherever it exists.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.round(np.array([0.5, 1.5, 2.4]))
    array([0., 2., 2.])
    """
    return np.rint(x)


@round.vjp
def round_vjp(g):                   # x̄ = 0
    return np.zeros_like(g)


@op
def astype(x, dtype):
    r"""The same numbers in another dtype; the gradient comes back in the old one.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> tm.functional.astype(tm.tensor([1.5]), np.float64).dtype
    dtype('float64')
    """
    return x.astype(dtype)


@astype.vjp
def astype_vjp(g):                  # x̄ = g, in x's dtype (the tape casts)
    return g
