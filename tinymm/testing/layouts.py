"""The same numbers in another memory layout, another size or another precision must give the same gradient."""

import warnings

import numpy as np

from ..autograd import grad
from .failure import Agreement, failure
from .gradcheck import pulled
from .subject import as_subject

__all__ = ["check_float32", "check_layouts"]

ROUNDING = 1e-11  # BLAS adds up in another order for another layout


def check_layouts(f, inputs, rng=None):
    """Check inputs and cotangents of every memory layout, 0-d inputs and empty ones.

    Layouts: Fortran order, negative strides, gaps, zero strides (`broadcast_to`), read-only memory. The reference
    is a contiguous copy of the same numbers. Then every input as a single number, and every axis in turn with length 0:
    a function may refuse such shapes with an error, but where it has a result it must have gradients, in the
    inputs' shapes.

    Parameters
    ----------
    f, inputs, rng
        As for `gradcheck`.

    Returns
    -------
    Agreement

    Raises
    ------
    GradientError
        Naming layout and input.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> bool(tm.testing.check_layouts(tm.functional.matmul, [np.ones((2, 3)), np.ones((3, 2))]))
    True
    """
    subject = as_subject(f, inputs)
    rng = np.random.default_rng(0) if rng is None else rng
    agreement = Agreement(0.0, 0)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # zero strides make equal values, and a function may divide by their spread
        for layout in LAYOUTS:
            agreement &= _agrees_in(subject, layout, rng)
        for label, arrays in _small_shapes(subject):
            agreement &= _has_gradients(subject, label, arrays, rng)
    return agreement


def _reversed_(a):
    return np.flip(np.flip(a).copy()) if a.ndim else a.copy()


def _with_gaps(a):
    wide = np.full([2 * n for n in a.shape], np.nan, a.dtype)
    narrow = wide[(slice(None, None, 2),) * a.ndim + (...,)]
    narrow[...] = a
    return narrow


def _read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def _zero_stride(a):
    """The first element along the last axis, for the whole axis."""
    return np.broadcast_to(a[..., :1], a.shape) if a.ndim else a


LAYOUTS = {"Fortran order": lambda a: a.copy(order="F"), "negative strides": _reversed_, "gaps": _with_gaps,
           "read-only memory": _read_only, "zero strides": _zero_stride}


def _agrees_in(subject, layout, rng):
    """Result and gradients for all inputs, and then the cotangent, in one layout."""
    lay = LAYOUTS[layout]
    laid = [lay(a) for a in subject.arrays]
    plain = [np.array(a, order="C") for a in laid]
    try:
        y, leaves = subject.at(plain)
    except ValueError:
        return Agreement(0.0, 0)  # values that the function does not take
    g = lay(rng.standard_normal(y.shape))
    expected = [y.data, *pulled(y, leaves, np.array(g, order="C"))]
    labels = ["the result", *(f"the gradient of {label}" for label in subject.labels)]
    # one scale for all: where equal inputs make a gradient vanish, what is left of it is the others' rounding
    scale = max(float(np.abs(b[np.isfinite(b)]).max(initial=0)) for b in expected)
    worst = 0.0
    for where, arrays, cotangent in (("inputs", laid, np.array(g, order="C")), ("the cotangent", plain, g)):
        try:
            y, leaves = subject.at(arrays)
            found = [y.data, *pulled(y, leaves, cotangent)]
        except Exception as error:
            raise failure("check_layouts", subject,
                          f"with {where} in {layout}: {type(error).__name__}: {error}") from error
        for label, a, b in zip(labels, found, expected):
            if a.shape != b.shape or not np.allclose(a, b, rtol=0, atol=ROUNDING * scale, equal_nan=True):
                raise failure("check_layouts", subject, f"{label} differs with {where} in {layout}")
            if scale and np.isfinite(b).all():
                worst = max(worst, float(np.abs(a - b).max(initial=0)) / scale)
    return Agreement(worst, 2 * len(expected))


def _small_shapes(subject):
    """(description, arrays): every input as one number; each length in turn replaced by 0 wherever it occurs."""
    arrays = subject.arrays
    if any(a.ndim for a in arrays) and all(a.size for a in arrays):
        yield "0-d inputs", [np.asarray(a.reshape(-1)[0]) for a in arrays]
    for n in sorted({n for a in arrays for n in a.shape if n}):
        yield f"empty inputs (each axis of length {n} emptied)", [
            a[(*(slice(0) if k == n else slice(None) for k in a.shape), ...)] for a in arrays]


def _has_gradients(subject, what, arrays, rng):
    """Where there is a result, there are gradients, in the shapes and dtype of the inputs."""
    try:
        y, leaves = subject.at(arrays)
    except (ValueError, IndexError, TypeError, ArithmeticError):
        return Agreement(0.0, 0)  # refused
    try:
        found = pulled(y, leaves, rng.standard_normal(y.shape))
    except Exception as error:
        raise failure("check_layouts", subject, f"{what}: the result has shape {y.shape}, but the gradient fails with "
                                                f"{type(error).__name__}: {error}") from error
    for label, a, d in zip(subject.labels, arrays, found):
        if d.shape != a.shape or d.dtype != a.dtype:
            raise failure("check_layouts", subject,
                          f"{what}: {label} is {a.dtype} {a.shape}, its gradient {d.dtype} {d.shape}")
    return Agreement(0.0, len(found))


def check_float32(f, inputs, rng=None, multiple=64.0):
    r"""Check that float32 inputs give float32 results and gradients, close to those in float64.

    The drift allowed is `multiple` · ε · n · s: ε that of float32, n the length of the longest sum that can occur
    (elements of the largest input or of the result), s the largest element of the float64 answer,
    or 1 if that is smaller.

    Parameters
    ----------
    f, inputs, rng
        As for `gradcheck`.
    multiple : float

    Returns
    -------
    Agreement
        Its `error` is the worst drift as a part of ε n s.

    Raises
    ------
    GradientError
        If a dtype is wrong or the drift too large.

    Notes
    -----
    Most formulas stay below 2. Those that need more are ill-conditioned, such as the normalisation of two nearly equal
    numbers.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> bool(tm.testing.check_float32(tm.functional.exp, [np.array([0.5, 1.5])]))
    True
    """
    given = as_subject(f, inputs)
    rng = np.random.default_rng(0) if rng is None else rng
    narrow = given.cast(np.float32)
    wide = given.cast(np.float64, [a.astype(np.float64) for a in narrow.arrays])
    y, leaves = narrow.at()
    g = rng.standard_normal(y.shape).astype(np.float32)
    reference, wide_leaves = wide.at()
    found = [y.data, *_pulled_as_they_are(y, leaves, g)]
    expected = [reference.data, *pulled(reference, wide_leaves, g.astype(np.float64))]
    n = max([1, y.size, *(a.size for a in narrow.arrays)])
    worst = 0.0
    for label, a, b in zip(["the result", *(f"the gradient of {label}" for label in given.labels)], found, expected):
        if a is None:
            continue
        if a.dtype != np.float32:
            raise failure("check_float32", narrow, f"{label} is {a.dtype} for float32 inputs")
        unit = float(np.finfo(np.float32).eps) * n * max(1.0, float(np.abs(b).max(initial=0)))
        drift = float(np.abs(a - b).max(initial=0)) / unit
        if not drift <= multiple:
            raise failure("check_float32", narrow,
                          f"{label} drifts from float64 by {drift:.3g} ε·n·s (n = {n}); allowed {multiple:g}")
        worst = max(worst, drift)
    return Agreement(worst, len(found))


def _pulled_as_they_are(y, leaves, g):
    """Gradients in the dtype they come in; None where there is no path."""
    if not y.requires_grad:
        return []
    return [None if d is None else d.data for d in grad(y, leaves, g, allow_unused=True)]
