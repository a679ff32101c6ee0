"""Rows for `tinymm.functional.elementwise`."""

import cmath
import math

import numpy as np

from ..specification import spec
from ..strategies import arrays, calls, positive


def each(f):
    """A scalar function as a loop over elements: independent of NumPy's own."""
    return lambda x: np.reshape([f(float(v)) for v in np.ravel(x)], np.shape(x)).astype(np.float64)


def anywhere():
    return calls(arrays())


def off_zero():
    return calls(arrays(gap=0.2))


def off_halves():
    """Values at least 0.1 from every multiple of one half."""
    return calls(arrays().map(lambda x: np.asarray(np.rint(2 * x) / 2 + 0.25 + 0.1 * np.sin(7 * x))))


def above_zero():
    return calls(positive())


def mirrors(name):
    return lambda torch, x: getattr(torch, name)(x)


spec("exp", anywhere, each(math.exp), mirrors("exp"))
spec("expm1", anywhere, each(math.expm1), mirrors("expm1"))
spec("log", above_zero, each(math.log), mirrors("log"))
spec("log1p", above_zero, each(math.log1p), mirrors("log1p"))
spec("sqrt", above_zero, each(math.sqrt), mirrors("sqrt"))
spec("rsqrt", above_zero, each(lambda v: v ** -0.5), mirrors("rsqrt"))
spec("square", anywhere, each(lambda v: v ** 2), mirrors("square"))
spec("reciprocal", off_zero, each(lambda v: v ** -1), mirrors("reciprocal"))
spec("sin", anywhere, each(lambda v: cmath.exp(1j * v).imag), mirrors("sin"))
spec("cos", anywhere, each(lambda v: cmath.exp(1j * v).real), mirrors("cos"))
spec("tanh", anywhere, each(math.tanh), mirrors("tanh"))
spec("sigmoid", anywhere, each(lambda v: 1 / (1 + math.exp(-v))), mirrors("sigmoid"))
spec("softplus", anywhere, each(lambda v: math.log1p(math.exp(v))), lambda torch, x: torch.nn.functional.softplus(x))
spec("erf", anywhere, each(math.erf), mirrors("erf"))
spec("abs", off_zero, each(math.fabs), mirrors("abs"))
spec("sign", off_zero, each(lambda v: math.copysign(1, v)), mirrors("sign"))
spec("floor", off_halves, each(math.floor), mirrors("floor"))
spec("ceil", off_halves, each(math.ceil), mirrors("ceil"))
spec("round", off_halves, each(round), mirrors("round"))
spec("astype", lambda: calls(arrays(), np.float64), lambda x, dtype: np.array(x, dtype),
     complex_step=False, float32=False)
spec("identity", anywhere, lambda x: np.array(x, copy=True))
