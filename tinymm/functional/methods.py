"""What a Tensor can do: its operators, its methods, and its answers to NumPy functions.

Three tables. A NumPy function that stands in none of them raises an error that
names it: a gradient is never lost silently.
"""

import numpy as np

from .. import functional as F
from ..autograd import Tensor, registry


def _bind(**methods):
    for name, f in methods.items():
        setattr(Tensor, name, f)


def _reflected(f):
    return lambda self, other: f(other, self)


def _constant(f):
    """A NumPy function whose result is boolean or integer: there is no gradient to lose."""
    def call(*args, **kwargs):
        y = f(*(a.data if isinstance(a, Tensor) else a for a in args), **kwargs)
        return Tensor(y) if isinstance(y, (np.ndarray, np.generic)) and np.ndim(y) else y
    return call


def _has(name):
    return hasattr(F, name)


_bind(
    __add__=F.add, __radd__=_reflected(F.add), __sub__=F.subtract, __rsub__=_reflected(F.subtract),
    __mul__=F.multiply, __rmul__=_reflected(F.multiply), __truediv__=F.divide, __rtruediv__=_reflected(F.divide),
    __pow__=F.power, __rpow__=_reflected(F.power), __neg__=F.negative, __abs__=F.abs,
)
_bind(**{f"__{name}__": (lambda f: lambda self, other: _constant(f)(self, other))(f) for name, f in dict(
    eq=np.equal, ne=np.not_equal, lt=np.less, le=np.less_equal, gt=np.greater, ge=np.greater_equal).items()})
_bind(**{name: getattr(F, name) for name in (
    "abs", "astype", "cos", "exp", "log", "sigmoid", "sin", "sqrt", "square", "tanh")})

NUMPY = {
    np.add: F.add, np.subtract: F.subtract, np.multiply: F.multiply, np.true_divide: F.divide, np.power: F.power,
    np.float_power: F.power, np.negative: F.negative, np.absolute: F.abs, np.maximum: F.maximum, np.minimum: F.minimum,
    np.exp: F.exp, np.expm1: F.expm1, np.log: F.log, np.log1p: F.log1p, np.sqrt: F.sqrt, np.square: F.square,
    np.reciprocal: F.reciprocal, np.sin: F.sin, np.cos: F.cos, np.tanh: F.tanh, np.sign: F.sign, np.floor: F.floor,
    np.ceil: F.ceil, np.rint: F.round,
    **{f: _constant(f) for f in (
        np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.isnan, np.isinf, np.isfinite,
        np.logical_and, np.logical_or, np.logical_not, np.signbit, np.argmax, np.argmin, np.argsort, np.any, np.all,
        np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.count_nonzero, np.array_equal, np.allclose)},
}
REDUCTIONS = {np.add: "sum", np.multiply: "prod", np.maximum: "amax", np.minimum: "amin"}


def _array_ufunc(self, ufunc, method, *inputs, **kwargs):
    f = NUMPY.get(ufunc) if method == "__call__" else None
    if method == "reduce" and ufunc in REDUCTIONS:
        f = getattr(F, REDUCTIONS[ufunc])
    if f is None or kwargs.get("out") is not None:
        what = "out=" if kwargs.get("out") is not None else "this" if method == "__call__" else f".{method}"
        raise TypeError(f"np.{ufunc.__name__}: tinymm has no gradient for {what} on a Tensor; "
                        "use tinymm.functional, or .data to leave the tape")
    return f(*inputs, **kwargs)


def _array_function(self, function, types, args, kwargs):
    f = NUMPY.get(function)
    if f is None:
        raise TypeError(f"np.{function.__name__}: tinymm has no gradient for it; "
                        "use tinymm.functional, or .data to leave the tape")
    return f(*args, **kwargs)


_bind(__array_ufunc__=_array_ufunc, __array_function__=_array_function)
