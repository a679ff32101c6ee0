"""Rows for `tinymm.functional.linalg`."""

import math

import numpy as np

from ...functional import normalize
from ..specification import spec
from ..strategies import arrays, calls, shapes, st
from .reductions import along_axes, looped


@st.composite
def factors(draw):
    """Shapes of two factors of a matrix product: vectors, matrices, stacks that broadcast."""
    m, k, n = draw(st.tuples(*[st.integers(1, 3)] * 3))
    batch = draw(shapes(0, 2, max_side=3))
    stacks = [tuple(1 if draw(st.booleans()) else side for side in batch[draw(st.integers(0, len(batch))):])
              for _ in range(2)]
    a = draw(st.sampled_from(((k,), (m, k), (*stacks[0], m, k))))
    b = draw(st.sampled_from(((k,), (k, n), (*stacks[1], k, n))))
    return a, b


def pairs():
    return factors().flatmap(lambda ab: calls(arrays(ab[0]), arrays(ab[1])))


def product(a, b):
    """Sums of products, element by element."""
    row = a.ndim == 1
    column = b.ndim == 1
    a = a[None] if row else a
    b = b[:, None] if column else b
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = np.broadcast_to(a, (*batch, *a.shape[-2:]))
    b = np.broadcast_to(b, (*batch, *b.shape[-2:]))
    y = np.empty((*batch, a.shape[-2], b.shape[-1]))
    for *at, i, j in np.ndindex(y.shape):
        y[(*at, i, j)] = math.fsum(a[(*at, i)] * b[(*at, slice(None), j)])
    if column:
        y = y[..., 0]
    if row:
        y = y[..., 0] if column else y[..., 0, :]
    return y


@st.composite
def to_map(draw):
    lead = draw(shapes(0, 3, max_side=3))
    k = draw(st.integers(1, 3))
    n = draw(st.integers(1, 3))
    bias = [draw(arrays((n,)))] if draw(st.booleans()) else []
    return (draw(arrays((*lead, k))), draw(arrays((n, k))), *bias), {}


def length(values, ord):
    sizes = [abs(v) for v in values]
    return max(sizes) if ord == math.inf else math.fsum(v ** ord for v in sizes) ** (1 / ord)


def torch_norm(torch, x, axis, keepdims, ord):
    return torch.linalg.vector_norm(x, ord, axis, keepdim=keepdims)


spec("matmul", pairs, product, lambda torch, a, b: torch.matmul(a, b))
spec("linear", to_map, lambda x, w, b=0.0: product(x, w.T) + b, lambda torch, *args: torch.nn.functional.linear(*args))
spec("outer", lambda: calls(arrays(shapes(1, 1)), arrays(shapes(1, 1))),
     lambda a, b: np.array([[u * v for v in b] for u in a]), lambda torch, a, b: torch.outer(a, b))
spec("norm", lambda: along_axes(lambda shape: arrays(shape, gap=0.2), ord=st.sampled_from((1, 2, 3, 1.5, math.inf))),
     looped(length), torch_norm)
spec("norm", lambda: calls(arrays((2, 3, 4), gap=0.2), ord=math.inf, axis=st.sampled_from((0, (0, 1), (0, 2), None)),
                           keepdims=False),
     looped(length), torch_norm)
spec("norm", lambda: along_axes(lambda shape: arrays(shape, gap=0.2), ord=st.sampled_from((0.5, 4, 5, 7.5, 12))),
     looped(length), torch_norm)
spec("norm", lambda: calls(arrays((2, 3, 4), gap=0.2), p=st.sampled_from((1, 2, 3)), dim=st.sampled_from((0, 1, -1))),
     lambda x, p, dim: x / looped(length)(x, axis=dim, keepdims=True, ord=p),
     lambda torch, x, p, dim: torch.nn.functional.normalize(x, p, dim), function=normalize)
