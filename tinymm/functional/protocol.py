"""What NumPy's functions do with a Tensor: differentiate, give a constant, or refuse.

Two tables, of what is differentiated and of what is constant. A NumPy function
that stands in neither raises an error that names it, and so does an argument
(`out`, `dtype`, `where`, ...) that has no meaning here: a gradient is never lost silently.
"""

import numpy as np

from .. import functional as F
from ..autograd import Tensor

__all__ = []


def _split(x, cuts, axis=0):
    n = x.shape[axis]
    if isinstance(cuts, int):
        if cuts < 1 or n % cuts:
            raise ValueError(f"np.split: needs equal parts; got {cuts} of {n}")
        return F.split(x, [n // cuts] * cuts, axis)
    ends = [min(max(k + n if k < 0 else k, 0), n) for k in cuts]
    return F.split(x, [b - a for a, b in zip([0, *ends], [*ends, n])], axis)


def _dot(a, b):
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return F.multiply(a, b)
    if np.ndim(b) > 2:
        raise TypeError(f"np.dot: on a Tensor the second factor has at most two axes; got {np.shape(b)}; "
                        "use matmul or einsum")
    return F.matmul(a, b)


def _pad(x, widths, mode="constant", value=0):
    pairs = np.broadcast_to(widths, (x.ndim, 2)).tolist()
    return F.pad(x, [width for pair in pairs[::-1] for width in pair], mode, value)


def _norm(x, ord=None, axis=None, keepdims=False):
    axes = x.ndim if axis is None else len(axis) if isinstance(axis, tuple) else 1
    if ord not in (None, "fro") and axes != 1 or ord == "fro" and axes != 2:
        raise TypeError("np.linalg.norm: on a Tensor there are norms of vectors, not of matrices; "
                        f"got ord {ord!r} over {axes} axes")
    return F.norm(x, 2 if ord in (None, "fro") else ord, axis, keepdims)


def _einsum(equation, *operands, optimize=True):
    return F.einsum(equation, *operands)


UFUNCS = {
    np.add: F.add, np.subtract: F.subtract, np.multiply: F.multiply, np.true_divide: F.divide, np.power: F.power,
    np.float_power: F.power, np.negative: F.negative, np.absolute: F.abs, np.maximum: F.maximum, np.minimum: F.minimum,
    np.exp: F.exp, np.expm1: F.expm1, np.log: F.log, np.log1p: F.log1p, np.sqrt: F.sqrt, np.square: F.square,
    np.reciprocal: F.reciprocal, np.sin: F.sin, np.cos: F.cos, np.tanh: F.tanh, np.sign: F.sign, np.floor: F.floor,
    np.ceil: F.ceil, np.rint: F.round, np.matmul: F.matmul,
}
REDUCTIONS = {np.add: F.sum, np.multiply: F.prod, np.maximum: F.amax, np.minimum: F.amin}

# NumPy's function: ours, and for each of NumPy's parameters, in order, the name of ours ("-": we have none).
FUNCTIONS = {
    np.sum: (F.sum, "a:x axis dtype:- out:- keepdims initial:- where:-"),
    np.mean: (F.mean, "a:x axis dtype:- out:- keepdims where:-"),
    np.var: (lambda x, axis=None, ddof=0, keepdims=False: F.var(x, axis, ddof, keepdims),
             "a:x axis dtype:- out:- ddof keepdims where:- mean:- correction:ddof"),
    np.std: (lambda x, axis=None, ddof=0, keepdims=False: F.std(x, axis, ddof, keepdims),
             "a:x axis dtype:- out:- ddof keepdims where:- mean:- correction:ddof"),
    np.max: (F.amax, "a:x axis out:- keepdims initial:- where:-"),
    np.amax: (F.amax, "a:x axis out:- keepdims initial:- where:-"),
    np.min: (F.amin, "a:x axis out:- keepdims initial:- where:-"),
    np.amin: (F.amin, "a:x axis out:- keepdims initial:- where:-"),
    np.prod: (F.prod, "a:x axis dtype:- out:- keepdims initial:- where:-"),
    np.cumsum: (lambda x, axis=None: F.cumsum(F.flatten(x) if axis is None else x, axis or 0),
                "a:x axis dtype:- out:-"),
    np.linalg.norm: (_norm, "x ord axis keepdims"),
    np.sort: (lambda x, axis=-1: F.sort(F.flatten(x) if axis is None else x, -1 if axis is None else axis)[0],
              "a:x axis kind:- order:- stable:-"),
    np.reshape: (F.reshape, "a:x shape order:- copy:-"),
    np.ravel: (F.flatten, "a:x order:-"),
    np.transpose: (lambda x, dims=None: F.permute(x, range(x.ndim)[::-1] if dims is None else dims), "a:x axes:dims"),
    np.matrix_transpose: (lambda x: F.transpose(x, -2, -1), "x"),
    np.swapaxes: (F.transpose, "a:x axis1:dim0 axis2:dim1"),
    np.moveaxis: (F.moveaxis, "a:x source destination"),
    np.expand_dims: (F.unsqueeze, "a:x axis"),
    np.squeeze: (F.squeeze, "a:x axis"),
    np.broadcast_to: (F.broadcast_to, "array:x shape subok:-"),
    np.flip: (F.flip, "m:x axis"),
    np.roll: (F.roll, "a:x shift:shifts axis"),
    np.tril: (F.tril, "m:x k:diagonal"),
    np.triu: (F.triu, "m:x k:diagonal"),
    np.concatenate: (F.concatenate, "arrays:tensors axis out:- dtype:- casting:-"),
    np.stack: (F.stack, "arrays:tensors axis out:- dtype:- casting:-"),
    np.split: (_split, "ary:x indices_or_sections:cuts axis"),
    np.pad: (_pad, "array:x pad_width:widths mode constant_values:value"),
    np.where: (F.where, "condition x:a y:b"),
    np.clip: (F.clip, "a:x a_min:min a_max:max out:- min max"),
    np.take_along_axis: (F.take_along_axis, "arr:x indices axis"),
    np.dot: (_dot, "a b out:-"),
    np.outer: (lambda a, b: F.outer(F.reshape(a, -1), F.reshape(b, -1)), "a b out:-"),
    np.einsum: (_einsum, None),
    np.astype: (F.astype, "x dtype copy:- device:-"),
}
CONSTANT = {
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.isnan, np.isinf, np.isfinite,
    np.logical_and, np.logical_or, np.logical_not, np.logical_xor, np.bitwise_and, np.bitwise_or, np.bitwise_xor,
    np.invert, np.signbit, np.argmax, np.argmin, np.argsort, np.any, np.all, np.shape, np.ndim, np.size, np.zeros_like,
    np.ones_like, np.count_nonzero, np.array_equal, np.allclose, np.isclose, np.nonzero, np.result_type,
    np.may_share_memory,
}


def _constant(function, args, kwargs):
    """A result that has no gradient: truth values, indices, shapes, fresh arrays."""
    y = function(*map(_data, args), **{key: _data(value) for key, value in kwargs.items()})
    return Tensor(y) if isinstance(y, np.ndarray) and y.ndim else y


def _data(value):
    return value.data if isinstance(value, Tensor) else value


def _translated(function, args, kwargs):
    """A call of NumPy's function as one of ours."""
    ours, text = FUNCTIONS[function]
    if text is None:
        return ours(*args, **kwargs)
    names = [word.partition(":") for word in text.split()]
    given = dict(zip((theirs for theirs, _, _ in names), args)) | kwargs
    known = {theirs: name or theirs for theirs, _, name in names}
    for theirs in given:
        if known.get(theirs, "-") == "-":
            raise TypeError(f"np.{function.__name__}: on a Tensor it takes no {theirs!r}")
    return ours(**{known[theirs]: value for theirs, value in given.items()})


def _refused(name):
    return TypeError(f"np.{name}: tinymm has no gradient for it; use tinymm.functional, or .data to leave the tape")


def _array_ufunc(self, ufunc, method, *inputs, **kwargs):
    """NumPy's hook for ufuncs: `np.exp(tensor)`, `array + tensor`, `np.add.reduce(tensor)`."""
    if method == "reduce" and ufunc in REDUCTIONS:
        return REDUCTIONS[ufunc](*inputs, **{"axis": 0} | kwargs)
    if method != "__call__" or ufunc not in UFUNCS and ufunc not in CONSTANT:
        raise _refused(ufunc.__name__ + ("" if method == "__call__" else f".{method}"))
    if kwargs:
        raise TypeError(f"np.{ufunc.__name__}: on a Tensor it takes no {', '.join(map(repr, kwargs))}")
    return _constant(ufunc, inputs, {}) if ufunc in CONSTANT else UFUNCS[ufunc](*inputs)


def _array_function(self, function, types, args, kwargs):
    """NumPy's hook for all other functions: `np.concatenate([tensor, array])`."""
    if function in CONSTANT:
        return _constant(function, args, kwargs)
    if function not in FUNCTIONS:
        raise _refused(function.__name__)
    return _translated(function, args, kwargs)


Tensor.__array_ufunc__ = _array_ufunc
Tensor.__array_function__ = _array_function
