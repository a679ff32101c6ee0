r"""Complex steps: $\partial f/\partial x = \operatorname{Im} f(x + ih)/h$,
on arrays that continue real functions analytically.

A formula written for real numbers may call functions that NumPy does not continue to complex ones: |z| is the modulus,
sign is z/|z|, the variance takes moduli, floor and expit raise. On a `Continued` array each of these is the analytic
function that agrees with the real one near the real axis, away from its kinks.
"""

import warnings

import numpy as np
import scipy.special

from .failure import NotApplicable

__all__ = ["Continued", "complex_jacobians"]

STEP = 1e-30  # nothing is subtracted, so no digits are lost however small the step is


def _real_part_decides(ufunc):
    """Comparisons and roundings: constant along the imaginary axis."""
    return lambda *inputs: ufunc(*(np.real(z) for z in inputs))


def _absolute(z):
    return z * np.sign(np.real(z))


def _expit(z):
    return 1 / (1 + np.exp(-z))


def _log_expit(z):
    return np.log(_expit(z))


def _logaddexp(a, b):
    top = np.maximum(np.real(a), np.real(b))
    return top + np.log(np.exp(a - top) + np.exp(b - top))


def _without_conjugation(a, b, axis=-1):
    return np.sum(np.moveaxis(a, axis, -1) * np.moveaxis(b, axis, -1), -1)


def _variance(z, axis=None, ddof=0, keepdims=False):
    d = z - np.mean(z, axis, keepdims=True)
    total = np.sum(d * d, axis, keepdims=keepdims)
    return total / (z.size * np.ones(()) / max(np.size(total), 1) - ddof)


CONTINUED = {ufunc: _real_part_decides(ufunc) for ufunc in (
    np.sign, np.floor, np.ceil, np.rint, np.trunc, np.less, np.less_equal, np.greater, np.greater_equal, np.equal,
    np.not_equal, np.isnan, np.isfinite, np.isinf)} | {
    np.absolute: _absolute, np.logaddexp: _logaddexp, np.vecdot: _without_conjugation, np.conjugate: lambda z: z,
    scipy.special.expit: _expit, scipy.special.log_expit: _log_expit,
}


class Continued(np.ndarray):
    """A complex array on which piecewise and real-only ufuncs are continued analytically."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        inputs = [_plain(a) for a in inputs]
        if ufunc in CONTINUED and method == "__call__" and any(np.iscomplexobj(a) for a in inputs):
            where = {"axis": kwargs["axis"]} if "axis" in kwargs else {}
            y = CONTINUED[ufunc](*inputs, **where)
            if out is not None:
                out[0][...] = y
                return out[0]
            return _wrapped(y)
        options = kwargs if out is None else kwargs | {"out": tuple(map(_plain, out))}
        y = getattr(ufunc, method)(*inputs, **options)
        return out[0] if out is not None and len(out) == 1 else _wrapped(y)

    def __array_function__(self, function, types, args, kwargs):
        if function in (np.var, np.std):
            y = _variance(*args, **kwargs)
            return y if function is np.var else np.sqrt(y)
        return _wrapped(super().__array_function__(function, types, args, kwargs))


def _plain(a):
    return a.view(np.ndarray) if isinstance(a, Continued) else a


def _wrapped(y):
    if isinstance(y, tuple):
        return tuple(map(_wrapped, y))
    return np.asarray(y).view(Continued) \
        if isinstance(y, (np.ndarray, np.complexfloating)) and np.iscomplexobj(y) else y


def complex_jacobians(subject):
    """Per input the Jacobian (outputs, elements) by complex steps."""
    jacobians = []
    base = [a.astype(np.complex128).view(Continued) for a in subject.arrays]
    with np.errstate(all="ignore"):
        for i, a in enumerate(subject.arrays):
            columns = []
            for index in np.ndindex(a.shape):
                moved = base[i].copy()
                moved[index] += 1j * STEP
                columns.append(_imaginary(subject, [moved if k == i else b for k, b in enumerate(base)]))
            jacobians.append(np.stack(columns, -1) if columns else np.zeros((subject.value(subject.arrays).size, 0)))
    return jacobians


def _imaginary(subject, arrays):
    """Im f / h, or NotApplicable where the formula does not take complex numbers."""
    try:
        with warnings.catch_warnings():  # a cast to real numbers shows in the comparison, if it matters
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
            y = subject.complex_value(arrays)
    except (TypeError, ValueError) as error:
        raise NotApplicable(f"{subject.name} cannot be evaluated with complex numbers: {error}") from error
    if not np.iscomplexobj(y):
        return np.zeros(y.size)
    if np.isnan(y).any():
        raise NotApplicable(f"{subject.name} is NaN for complex numbers")
    return np.imag(y) / STEP
