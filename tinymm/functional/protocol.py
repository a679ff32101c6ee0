"""What NumPy's functions do with a Tensor: differentiate, give a constant, or refuse.

Tables say what is differentiated and what is constant. A NumPy function that is in
none of them raises an error that names it, and so does an argument (`out`, `dtype`,
`where`, ...) that has no meaning here: a gradient is never lost silently.
"""

import inspect
import string

import numpy as np

from .. import functional as F
from ..autograd import Tensor

__all__ = []

NO = object()  # the default of a parameter of NumPy's that has no meaning on a Tensor


def _cumsum(a, axis=None, dtype=NO, out=NO):
    return F.cumsum(F.flatten(a), 0) if axis is None else F.cumsum(a, axis)


def _sort(a, axis=-1, kind=NO, order=NO):
    return F.sort(F.flatten(a), -1)[0] if axis is None else F.sort(a, axis)[0]


def _clip(a, a_min=None, a_max=None, out=NO, *, min=None, max=None):
    return F.clip(a, a_min if min is None else min, a_max if max is None else max)


def _split(ary, indices_or_sections, axis=0):
    n = ary.shape[axis]
    cuts = indices_or_sections
    if isinstance(cuts, int):
        if cuts < 1 or n % cuts:
            raise ValueError(f"np.split: needs equal parts; got {cuts} of {n}")
        return F.split(ary, [n // cuts] * cuts, axis)
    ends = [min(max(k + n if k < 0 else k, 0), n) for k in cuts]
    return F.split(ary, [b - a for a, b in zip([0, *ends], [*ends, n])], axis)


def _dot(a, b, out=NO):
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return F.multiply(a, b)
    if np.ndim(b) > 2:
        raise TypeError(f"np.dot: on a Tensor the second factor has at most two axes; got {np.shape(b)}; "
                        "use matmul or einsum")
    return F.matmul(a, b)


def _pad(array, pad_width, mode="constant", *, constant_values=0):
    pairs = np.broadcast_to(pad_width, (array.ndim, 2)).tolist()
    return F.pad(array, [width for pair in pairs[::-1] for width in pair], mode, constant_values)


def _norm(x, ord=None, axis=None, keepdims=False):
    if axis is None:
        axes = x.ndim
    else:
        axes = len(axis) if isinstance(axis, tuple) else 1
    if ord not in (None, "fro") and axes != 1 or ord == "fro" and axes != 2:
        raise TypeError("np.linalg.norm: on a Tensor there are norms of vectors, not of matrices; "
                        f"got ord {ord!r} over {axes} axes")
    return F.norm(x, 2 if ord in (None, "fro") else ord, axis, keepdims)


def _einsum(*operands, optimize=True):
    """The equation as text, or each operand followed by the list of its labels, numbers that stand for letters."""
    if not isinstance(operands[0], str):
        *pairs, out = operands if len(operands) % 2 else (*operands, None)
        terms = [_letters(labels) for labels in pairs[1::2]]
        operands = ",".join(terms) + ("" if out is None else "->" + _letters(out)), *pairs[::2]
    return F.einsum(*operands)


def _letters(labels):
    return "".join("..." if label is Ellipsis else string.ascii_letters[label] for label in labels)


def _variance(f):
    """np.var or np.std, by our function f."""
    def call(a, axis=None, dtype=NO, out=NO, ddof=0, keepdims=False, *, correction=None):
        return f(a, axis, ddof if correction is None else correction, keepdims)
    return call


UFUNCS = {
    np.add: F.add, np.subtract: F.subtract, np.multiply: F.multiply, np.true_divide: F.divide, np.power: F.power,
    np.float_power: F.power, np.negative: F.negative, np.absolute: F.abs, np.maximum: F.maximum, np.minimum: F.minimum,
    np.exp: F.exp, np.expm1: F.expm1, np.log: F.log, np.log1p: F.log1p, np.sqrt: F.sqrt, np.square: F.square,
    np.reciprocal: F.reciprocal, np.sin: F.sin, np.cos: F.cos, np.tanh: F.tanh, np.sign: F.sign, np.floor: F.floor,
    np.ceil: F.ceil, np.rint: F.round, np.matmul: F.matmul,
}
REDUCTIONS = {np.add: F.sum, np.multiply: F.prod, np.maximum: F.amax, np.minimum: F.amin}

# NumPy's function: ours, with the parameters of NumPy's.
FUNCTIONS = {
    np.sum: lambda a, axis=None, dtype=NO, out=NO, keepdims=False: F.sum(a, axis, keepdims),
    np.mean: lambda a, axis=None, dtype=NO, out=NO, keepdims=False: F.mean(a, axis, keepdims),
    np.var: _variance(F.var),
    np.std: _variance(F.std),
    np.max: lambda a, axis=None, out=NO, keepdims=False: F.amax(a, axis, keepdims),
    np.amax: lambda a, axis=None, out=NO, keepdims=False: F.amax(a, axis, keepdims),
    np.min: lambda a, axis=None, out=NO, keepdims=False: F.amin(a, axis, keepdims),
    np.amin: lambda a, axis=None, out=NO, keepdims=False: F.amin(a, axis, keepdims),
    np.prod: lambda a, axis=None, dtype=NO, out=NO, keepdims=False: F.prod(a, axis, keepdims),
    np.cumsum: _cumsum,
    np.linalg.norm: _norm,
    np.sort: _sort,
    np.reshape: lambda a, shape, order=NO: F.reshape(a, shape),
    np.ravel: lambda a, order=NO: F.flatten(a),
    np.transpose: lambda a, axes=None: F.permute(a, range(a.ndim)[::-1] if axes is None else axes),
    np.matrix_transpose: lambda x: F.transpose(x, -2, -1),
    np.swapaxes: lambda a, axis1, axis2: F.transpose(a, axis1, axis2),
    np.moveaxis: lambda a, source, destination: F.moveaxis(a, source, destination),
    np.expand_dims: lambda a, axis: F.unsqueeze(a, axis),
    np.squeeze: lambda a, axis=None: F.squeeze(a, axis),
    np.broadcast_to: lambda array, shape, subok=NO: F.broadcast_to(array, shape),
    np.flip: lambda m, axis=None: F.flip(m, axis),
    np.roll: lambda a, shift, axis=None: F.roll(a, shift, axis),
    np.tril: lambda m, k=0: F.tril(m, k),
    np.triu: lambda m, k=0: F.triu(m, k),
    np.concatenate: lambda arrays, axis=0, out=NO: F.concatenate(arrays, axis),
    np.stack: lambda arrays, axis=0, out=NO: F.stack(arrays, axis),
    np.split: _split,
    np.pad: _pad,
    np.where: F.where,
    np.clip: _clip,
    np.take_along_axis: lambda arr, indices, axis=-1: F.take_along_axis(arr, indices, axis),
    np.dot: _dot,
    np.outer: lambda a, b, out=NO: F.outer(F.reshape(a, -1), F.reshape(b, -1)),
    np.einsum: _einsum,
    np.astype: lambda x, dtype: F.astype(x, dtype),
}
PARAMETERS = {function: inspect.signature(ours).parameters for function, ours in FUNCTIONS.items()}
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


def _answered(function, args, kwargs):
    """NumPy's function by ours; an argument that has no meaning on a Tensor is refused by name."""
    parameters = PARAMETERS[function]
    for name in (*list(parameters)[:len(args)], *kwargs):
        if name not in parameters or parameters[name].default is NO:
            raise TypeError(f"{_name(function)}: on a Tensor it takes no {name!r}")
    return FUNCTIONS[function](*args, **kwargs)


def _name(function):
    """As users write it: np.sum, np.linalg.pinv."""
    return f"np{getattr(function, '__module__', 'numpy').removeprefix('numpy')}.{function.__name__}"


def _refused(name):
    return TypeError(f"{name}: tinymm has no gradient for it; use tinymm.functional, or .data to leave the tape")


def _array_ufunc(self, ufunc, method, *inputs, **kwargs):
    """NumPy's hook for ufuncs: `np.exp(tensor)`, `array + tensor`, `np.add.reduce(tensor)`."""
    if method == "reduce" and ufunc in REDUCTIONS:
        return REDUCTIONS[ufunc](*inputs, **{"axis": 0} | kwargs)
    if method != "__call__" or ufunc not in UFUNCS and ufunc not in CONSTANT:
        raise _refused(_name(ufunc) + ("" if method == "__call__" else f".{method}"))
    if kwargs:
        raise TypeError(f"{_name(ufunc)}: on a Tensor it takes no {', '.join(map(repr, kwargs))}")
    return _constant(ufunc, inputs, {}) if ufunc in CONSTANT else UFUNCS[ufunc](*inputs)


def _array_function(self, function, types, args, kwargs):
    """NumPy's hook for all other functions: `np.concatenate([tensor, array])`."""
    if function in CONSTANT:
        return _constant(function, args, kwargs)
    if function not in FUNCTIONS:
        raise _refused(_name(function))
    return _answered(function, args, kwargs)


Tensor.__array_ufunc__ = _array_ufunc
Tensor.__array_function__ = _array_function
