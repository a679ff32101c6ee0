"""The four operations, powers and comparisons of two arrays. The tape sums gradients over broadcast axes."""

import numpy as np

from ..autograd import op

__all__ = ["add", "divide", "maximum", "minimum", "multiply", "negative", "power", "subtract"]


@op
def add(a, b):
    r"""Sum, elementwise with broadcasting: $y = a + b$.

    Parameters
    ----------
    a, b : Tensor or array_like
        Shapes that broadcast together.

    Returns
    -------
    Tensor
        In the broadcast shape.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.add(1.0, 2.0)
    3.0
    """
    return a + b


@add.vjp
def add_vjp(g):                     # ā = g,  b̄ = g
    return g, g


@op
def subtract(a, b):
    r"""Difference, elementwise with broadcasting: $y = a - b$.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.subtract(3.0, 2.0)
    1.0
    """
    return a - b


@subtract.vjp
def subtract_vjp(g):                # ā = g,  b̄ = −g
    return g, lambda: -g


@op
def multiply(a, b):
    r"""Product, elementwise with broadcasting: $y = a \odot b$.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.multiply(3.0, 2.0)
    6.0
    """
    return a * b


@multiply.vjp
def multiply_vjp(g, a, b):          # ā = g ⊙ b,  b̄ = g ⊙ a
    return lambda: g * b, lambda: g * a


@op
def divide(a, b):
    r"""Quotient, elementwise with broadcasting: $y = a / b$.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> float(F.divide(3.0, 2.0))
    1.5
    """
    return np.true_divide(a, b)


@divide.vjp
def divide_vjp(g, y, b):            # ā = g / b,  b̄ = −g ⊙ y / b
    return lambda: g / b, lambda: -g * y / b


@op
def negative(x):
    r"""Negation: $y = -x$.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.negative(2.0)
    -2.0
    """
    return -x


@negative.vjp
def negative_vjp(g):                # x̄ = −g
    return -g


@op
def power(a, b):
    r"""Power, elementwise with broadcasting: $y = a^b$.

    Notes
    -----
    $0^0 = 1$. Its derivative with respect to a, $b\,a^{b-1}$, is 0 because b is: the factor $0^{-1}$ is never
    evaluated. The derivative with respect to b is 0 where $a = 0$ and $b \ge 0$.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.power(3.0, 2.0)
    9.0
    """
    return np.power(a, b) if isinstance(b, np.ndarray) else a ** b


@power.vjp
def power_vjp(g, y, a, b):          # ā = g b a^(b−1),  b̄ = g y ln a
    def wrt_base():
        if not np.ndim(b):
            return g * b * a ** (b - 1) if b != 0 else np.zeros_like(g)
        d = g * b * a ** np.where((a == 0) & (b == 0), 1.0, b - 1)
        return np.where((b == 0) & np.isnan(d), 0, d)           # 0 · ∞ and 0 · NaN; any other 0 keeps its slope in b

    def wrt_exponent():
        return g * y * np.log(np.where((a == 0) & (b >= 0), 1.0, a))

    return wrt_base, wrt_exponent


@op
def maximum(a, b):
    r"""The larger of two, elementwise with broadcasting: $y = \max(a, b)$.

    Notes
    -----
    At a tie each side receives half the gradient, beside a NaN each the whole, as in PyTorch.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> float(F.maximum(3.0, 2.0))
    3.0
    """
    return np.maximum(a, b)


@maximum.vjp
def maximum_vjp(g, a, b):           # ā = g·(1{a>b} + ½·1{a=b})
    return lambda: _larger(g, a, b), lambda: _larger(g, b, a)


@op
def minimum(a, b):
    r"""The smaller of two, elementwise with broadcasting: $y = \min(a, b)$.

    Notes
    -----
    At a tie each side receives half the gradient, beside a NaN each the whole, as in PyTorch.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> float(F.minimum(3.0, 2.0))
    2.0
    """
    return np.minimum(a, b)


@minimum.vjp
def minimum_vjp(g, a, b):           # ā = g·(1{a<b} + ½·1{a=b})
    return lambda: _larger(g, b, a), lambda: _larger(g, a, b)


def _larger(g, a, b):
    """0 where a < b, half of g where a = b, else g (also beside a NaN); selection, so that no inf·0 arises."""
    return np.where(a < b, 0, np.where(a == b, g * 0.5, g))
