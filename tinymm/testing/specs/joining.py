"""Rows for `tinymm.functional.joining`."""

import numpy as np

from ..specification import spec
from ..strategies import arrays, shapes, st


@st.composite
def to_concatenate(draw):
    shape = draw(shapes(1, 3))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    sides = draw(st.lists(st.integers(0, 3), min_size=1, max_size=4).filter(any))
    k = axis % len(shape)
    return ([draw(arrays((*shape[:k], n, *shape[k + 1:]))) for n in sides], axis), {}


@st.composite
def to_stack(draw):
    shape = draw(shapes(0, 3))
    return ([draw(arrays(shape)) for _ in range(draw(st.integers(1, 3)))],
            draw(st.integers(-len(shape) - 1, len(shape)))), {}


@st.composite
def to_split(draw):
    x = draw(arrays(shapes(1, 3)))
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    if draw(st.booleans()):
        return (x, draw(st.integers(1, 4)), axis), {}
    n = x.shape[axis]
    first = draw(st.integers(0, n))
    return (x, [first, n - first], axis), {}


@st.composite
def to_pad(draw):
    x = draw(arrays(shapes(1, 3)))
    widths = [w for n in x.shape[::-1] for w in (draw(st.integers(-(n // 2), 2)), draw(st.integers(-(n // 2), 2)))]
    return (x, tuple(widths[:2 * draw(st.integers(0, x.ndim))])), {"value": draw(st.sampled_from((0, -1.5, 2)))}


def joined(tensors, axis):
    """Slices of all, one after the other, stacked."""
    return np.stack([piece for a in tensors for piece in np.moveaxis(a, axis, 0)], axis)


def pieces(x, sizes, axis):
    ends = np.arange(sizes, x.shape[axis], sizes) if isinstance(sizes, int) else np.cumsum(sizes)[:-1]
    return tuple(np.split(x, ends, axis))


def padded(x, widths, value):
    """Every place of the result looks up where it came from."""
    pairs = [(0, 0)] * (x.ndim - len(widths) // 2) + list(zip(widths[::2], widths[1::2]))[::-1]
    y = np.full([n + a + b for n, (a, b) in zip(x.shape, pairs)], float(value))
    for place in np.ndindex(y.shape):
        source = tuple(i - a for i, (a, _) in zip(place, pairs))
        if all(0 <= i < n for i, n in zip(source, x.shape)):
            y[place] = x[source]
    return y


spec("concatenate", to_concatenate, joined, lambda torch, tensors, axis: torch.cat(tensors, axis))
spec("stack", to_stack, lambda tensors, axis: np.moveaxis(np.array([a.tolist() for a in tensors]), 0, axis),
     lambda torch, tensors, axis: torch.stack(tensors, axis))
spec("split", to_split, pieces,
     lambda torch, x, sizes, axis: torch.cat([piece.reshape(-1) for piece in torch.split(x, sizes, axis)]))
spec("pad", to_pad, padded, lambda torch, x, pad, value: torch.nn.functional.pad(x, pad, value=value))
