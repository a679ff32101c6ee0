"""The rungs of the ladder, from the value to the second derivative: what is checked of each spec row, for one call."""

import importlib.util

import numpy as np

from ..autograd import registry
from .directional import check_directional, check_taylor
from .failure import Agreement, NotApplicable, failure
from .gradcheck import agrees, check_complex_step, gradcheck, gradgradcheck, pulled
from .layouts import check_float32, check_layouts
from .structure import check_structure
from .subject import Subject

__all__ = ["RUNGS", "check_composite", "check_torch", "check_value"]

WHOLE = 12  # for a result of at most so many elements the whole Jacobian is compared


def check_value(row, args, kwargs):
    """The value against the row's reference: 1e-10 relative, and the same shape."""
    y = _as_arrays(_function_of(row)(*args, **kwargs))
    expected = row.reference(*args, **kwargs)
    agreement = Agreement(0.0, 0)
    for i, (got, want) in enumerate(zip(y, expected if isinstance(expected, tuple) else (expected,), strict=True)):
        subject = Subject(_function_of(row), args, kwargs, name=row.name)
        want = np.asarray(want)
        if got.shape != want.shape:
            raise failure("check_op", subject, f"result {i} has shape {got.shape}, the reference {want.shape}")
        finite = np.isfinite(want)
        scale = max(float(np.abs(want[finite]).max(initial=0)), 0.1)
        wrong = ~np.isclose(got, want, rtol=1e-10, atol=1e-10 * scale, equal_nan=True)
        if wrong.any():
            at = tuple(map(int, np.argwhere(wrong)[0]))
            raise failure("check_op", subject,
                          f"result {i}, element {at}: value {got[at]:.15g}, reference {want[at]:.15g}")
        agreement &= Agreement(float(np.abs(got - want)[finite].max(initial=0)) / scale, want.size)
    return agreement


def check_composite(row, args, kwargs, rng):
    """A fused op and its composite: value and gradient, 1e-10 relative."""
    record = registry[row.name].op
    if record.composite is None or row.function is not None:
        raise NotApplicable("not fused" if record.composite is None else "a function around ops")
    fused = Subject(registry[row.name], args, kwargs)
    plain = Subject(lambda *values: record.composite(*_bound(record, values, kwargs)), args)
    y, leaves = fused.at()
    z, others = plain.at()
    g = rng.standard_normal(y.shape)
    agreement = agrees("check_op", fused, None, y.data, z.data, "composite", 1e-10, 1e-12)
    for i, (a, b) in enumerate(zip(pulled(y, leaves, g), pulled(z, others, g))):
        agreement &= agrees("check_op", fused, i, a, b, "gradient of the composite", 1e-10, 1e-12)
    return agreement


def _bound(record, args, kwargs):
    """One value per parameter, a starred one spread out again."""
    values = record.bind(args, kwargs)
    return values if record.starred is None else [*values[:record.starred], *values[record.starred]]


def check_torch(row, args, kwargs, rng):
    """Value and gradients equal those of PyTorch's function to float64 accuracy."""
    if row.torch is None:
        raise NotApplicable("PyTorch has no such function")
    if importlib.util.find_spec("torch") is None:
        raise NotApplicable("PyTorch is not installed")
    import torch

    def theirs(a, differentiated=True):
        if isinstance(a, np.generic):
            a = np.asarray(a)
        if isinstance(a, np.ndarray):
            return torch.tensor(np.array(a, order="C"), requires_grad=differentiated and a.dtype.kind == "f")
        return [theirs(b) for b in a] if isinstance(a, list) else a

    torch_args = [theirs(a) for a in args]
    expected = row.torch(torch, *torch_args, **{k: theirs(v, False) for k, v in kwargs.items()})
    expected = expected[0] if isinstance(expected, tuple) else expected
    subject = Subject(_function_of(row), args, kwargs, name=row.name)
    y, leaves = subject.at()
    agreement = agrees("check_op", subject, None, y.data, expected.detach().numpy(), "PyTorch", 1e-10, 1e-11)
    g = rng.standard_normal(y.shape)
    inputs = [b for a in torch_args for b in (a if isinstance(a, list) else [a]) if getattr(b, "requires_grad", False)]
    reference = [None] * len(inputs)
    if expected.requires_grad:
        reference = torch.autograd.grad(expected, inputs, torch.tensor(g), allow_unused=True)
    for i, (d, t) in enumerate(zip(pulled(y, leaves, g), reference, strict=True)):
        agreement &= agrees("check_op", subject, i, d, np.zeros_like(d) if t is None else t.numpy(),
                            "PyTorch", 1e-10, 1e-11)
    return agreement


def _on_subject(check, unless=lambda row: None):
    """A check of `(f, inputs, rng)` as a rung; `unless` says why it does not apply to a row."""
    def rung(row, args, kwargs, rng):
        reason = unless(row)
        if reason:
            raise NotApplicable(reason)
        return check(Subject(_function_of(row), args, kwargs, name=row.name), (), rng)
    return rung


def _differences(subject, inputs, rng):
    """`gradcheck`, of the whole Jacobian where that is small."""
    return gradcheck(subject, inputs, rng, jacobian=subject.value(subject.arrays).size <= WHOLE)


def _taylor(row, args, kwargs, rng):
    return check_taylor(Subject(_function_of(row), args, kwargs, name=row.name), (), rng, hessian=row.second_order)


def _first_order_only(row):
    return None if row.second_order else "second derivatives do not exist here"


def _real_only(row):
    return None if row.complex_step else "its formula takes real numbers only"


def _real_or_composed(row):
    reason = _first_order_only(row) or _real_only(row)
    return reason or ("a function around ops, each of which has a row" if row.function else None)


def _second_complex_step(subject, inputs, rng):
    return check_complex_step(subject, inputs, rng, order=2, atol=1e-11)


def _casts(row):
    return None if row.float32 else "its result has a dtype of its own"


RUNGS = {
    "value": lambda row, args, kwargs, rng: check_value(row, args, kwargs),
    "differences": _on_subject(_differences),
    "complex step": _on_subject(check_complex_step, _real_only),
    "directional": _on_subject(check_directional),
    "taylor": _taylor,
    "second order": _on_subject(gradgradcheck, _first_order_only),
    "second complex": _on_subject(_second_complex_step, _real_or_composed),
    "composite": check_composite,
    "structure": _on_subject(check_structure),
    "layouts": _on_subject(check_layouts),
    "float32": _on_subject(check_float32, _casts),
    "PyTorch": check_torch,
}


def _function_of(row):
    return row.function or registry[row.name]


def _as_arrays(y):
    return tuple(np.asarray(part) for part in (y if isinstance(y, tuple) else (y,)))
