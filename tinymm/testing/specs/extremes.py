"""Rows for `tinymm.functional.extremes`; sampled without ties, where second derivatives exist."""

import builtins

import numpy as np

from ..specification import spec
from ..strategies import arrays
from .reductions import along_axes, looped, mirrors


def distinct(shape):
    return arrays(shape, distinct=True)


def indexed(f):
    """A looped reference of values and indices."""
    def reduce(x, axis=None, keepdims=False):
        values = looped(f)(x, axis, keepdims)
        if axis is None:
            return values
        return values, looped(lambda v: v.index(f(v)))(x, axis, keepdims).astype(np.intp)
    return reduce


def torch_indexed(name):
    def call(torch, x, axis=None, keepdims=False):
        if axis is None:
            return getattr(torch, f"a{name}")(x, tuple(range(x.ndim)), keepdim=keepdims)
        return getattr(torch, name)(x, axis)[0].reshape(-1)
    return call


spec("amax", lambda: along_axes(distinct), looped(builtins.max), mirrors("amax"))
spec("amin", lambda: along_axes(distinct), looped(builtins.min), mirrors("amin"))
spec("max", lambda: along_axes(distinct, several=False), indexed(builtins.max), torch_indexed("max"))
spec("min", lambda: along_axes(distinct, several=False), indexed(builtins.min), torch_indexed("min"))
