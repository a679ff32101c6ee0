"""What every spec row must pass: value, gradient, second derivative, float32, and PyTorch where it is installed."""

import numpy as np

from ..autograd import Tensor, grad, registry
from .gradcheck import gradcheck, gradgradcheck

__all__ = ["check_against_torch", "check_call", "check_float32"]


def check_call(row, args, kwargs, rng):
    """Value against the reference, first and second derivatives against differences, for one drawn call."""
    f = function_of(row)
    y = as_arrays(f(*args, **kwargs))
    expected = row.reference(*args, **kwargs)
    expected = expected if isinstance(expected, tuple) else (expected,)
    for got, want in zip(y, expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-11, err_msg=f"{row.name}: value against its reference")
        if got.shape != np.shape(want):
            raise AssertionError(f"{row.name}: shape {got.shape}, reference {np.shape(want)}")
    scalar, flat = flattened(f, args, kwargs)
    gradcheck(scalar, flat, rng)
    if row.second_order:
        gradgradcheck(scalar, flat, rng)


def check_float32(row, args, kwargs, rng, ulps=64):
    """float32 in, float32 out and back, close to float64: within `ulps` epsilons per element summed."""
    narrow, wide = flattened(function_of(row), args, kwargs, np.float32), flattened(function_of(row), args, kwargs)
    results = []
    for f, flat in (narrow, wide):
        tensors = [Tensor(a).requires_grad_() if a.dtype.kind == "f" else a for a in flat]
        y = f(*tensors)
        g = np.random.default_rng(0).standard_normal(y.shape).astype(y.dtype)
        found = grad(y, [t for t in tensors if isinstance(t, Tensor)], g, allow_unused=True)
        results.append([y.data, *(d.data for d in found if d is not None)])
    for a, b in zip(*results, strict=True):
        if a.dtype != np.float32:
            raise AssertionError(f"{row.name}: a float32 call gave {a.dtype}")
        scale = max(1.0, float(np.abs(b).max(initial=0)))
        count = max(max((x.size for x in wide[1]), default=1), 1)
        np.testing.assert_allclose(a, b, rtol=0, atol=ulps * np.finfo(np.float32).eps * scale * count,
                                   err_msg=f"{row.name}: float32 drift")


def check_against_torch(row, args, kwargs, rng):
    """Value and gradients equal PyTorch's to float64 accuracy."""
    import torch

    def theirs(a):
        if isinstance(a, np.ndarray):
            return torch.tensor(a.copy(), requires_grad=a.dtype.kind == "f")
        return [theirs(b) for b in a] if isinstance(a, list) else a

    def constant(a):
        return torch.tensor(np.array(a, order="C")) if isinstance(a, np.ndarray) else a

    torch_args = [theirs(a) for a in args]
    expected = row.torch(torch, *torch_args, **{k: constant(v) for k, v in kwargs.items()})
    expected = expected[0] if isinstance(expected, tuple) else expected
    f, flat = flattened(function_of(row), args, kwargs)
    tensors = [Tensor(a).requires_grad_() if a.dtype.kind == "f" else a for a in flat]
    y = f(*tensors)
    np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-10, atol=1e-11, err_msg=f"{row.name}: value")
    g = rng.standard_normal(y.shape)
    mine = grad(y, [t for t in tensors if isinstance(t, Tensor)], g, allow_unused=True)
    flat_torch = [b for a in torch_args for b in (a if isinstance(a, list) else [a])
                  if isinstance(b, torch.Tensor) and b.requires_grad]
    reference = torch.autograd.grad(expected, flat_torch, torch.tensor(g), allow_unused=True)
    for i, (d, t) in enumerate(zip(mine, reference, strict=True)):
        zero = np.zeros(tuple(flat_torch[i].shape))
        np.testing.assert_allclose(zero if d is None else d.data, zero if t is None else t.numpy(), rtol=1e-9,
                                   atol=1e-10, err_msg=f"{row.name}: gradient {i} against PyTorch")


def function_of(row):
    return row.function or registry[row.name]


def as_arrays(y):
    return tuple(np.asarray(part) for part in (y if isinstance(y, tuple) else (y,)))


def flattened(f, args, kwargs, dtype=np.float64):
    """`f` as a function of the arrays alone (lists of arrays opened up), and those arrays.

    Of several results the floating-point ones are flattened and joined, so that each is differentiated.
    """
    flat, recipe = [], []
    for a in args:
        opened = a if isinstance(a, list) and a and all(isinstance(b, np.ndarray) for b in a) else None
        if opened is not None or isinstance(a, np.ndarray):
            parts = opened or [a]
            recipe.append(("list" if opened else "array", len(flat), len(parts)))
            flat += [b.astype(dtype) if b.dtype.kind == "f" else b for b in parts]
        else:
            recipe.append(("constant", a, 0))

    def call(*arrays):
        rebuilt = [list(arrays[at:at + n]) if kind == "list" else arrays[at] if kind == "array" else at
                   for kind, at, n in recipe]
        y = f(*rebuilt, **kwargs)
        if not isinstance(y, tuple):
            return y
        floats = [part.reshape(-1) for part in y if part.dtype.kind == "f"]
        return floats[0] if len(floats) == 1 else registry["concatenate"](floats)

    return call, flat
