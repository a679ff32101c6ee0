"""Rows for `tinymm.functional.shape`. References move the elements one by one."""

import math

import numpy as np

from ..specification import spec
from ..strategies import arrays, calls, shapes, st


def filled(shape, source):
    """An array whose element at each place is `source(place)`."""
    y = np.zeros(shape)
    for place in np.ndindex(*shape):
        y[place] = source(place)
    return y


def with_some(draw_rest, min_dims=0, max_dims=3):
    """A call of an array and what depends on its number of axes."""
    return arrays(shapes(min_dims, max_dims)).flatmap(lambda x: draw_rest(x))


def factors(n):
    """Shapes with n elements."""
    return st.sampled_from([(a, b, n // a // b) for a in range(1, n + 1) if n % a == 0
                            for b in range(1, n // a + 1) if n // a % b == 0])


def axis_of(x):
    return st.integers(-x.ndim, x.ndim - 1)


@st.composite
def to_reshape(draw):
    x = draw(arrays())
    shape = list(draw(factors(x.size)))
    if draw(st.booleans()):
        shape[draw(st.integers(0, 2))] = -1
    return (x, tuple(shape)), {}


@st.composite
def to_flatten(draw):
    x = draw(arrays(shapes(1, 4, max_side=3)))
    first, last = sorted(draw(st.tuples(*[st.integers(0, x.ndim - 1)] * 2)))
    return (x, first, last - draw(st.sampled_from((0, x.ndim)))), {}


@st.composite
def with_ones(draw):
    x = draw(arrays(st.lists(st.sampled_from((1, 1, 2, 3)), max_size=4).map(tuple)))
    if not x.ndim:
        return (x, None), {}
    several = st.lists(st.integers(0, x.ndim - 1), unique=True).map(tuple)
    return (x, draw(st.one_of(st.none(), axis_of(x), several))), {}


@st.composite
def to_broadcast(draw, minus_one=False):
    whole = draw(shapes(0, 4, max_side=3))
    x = draw(arrays(tuple(1 if draw(st.booleans()) else n for n in whole[draw(st.integers(0, len(whole))):])))
    new = len(whole) - x.ndim
    shape = [-1 if minus_one and k >= new and x.shape[k - new] == n and draw(st.booleans()) else n
             for k, n in enumerate(whole)]
    return (x, tuple(shape)), {}


def broadcast(x, shape):
    new = len(shape) - x.ndim
    return filled([x.shape[k - new] if n == -1 else n for k, n in enumerate(shape)],
                  lambda place: x[tuple(0 if n == 1 else i for n, i in zip(x.shape, place[new:]))])


def squeezed(x, axis):
    axes = range(x.ndim) if axis is None else [k % x.ndim for k in np.atleast_1d(axis)]
    for k in sorted(set(axes), reverse=True):
        x = x.take(0, int(k)) if x.shape[k] == 1 else x
    return x


@st.composite
def to_roll(draw):
    x = draw(arrays(shapes(1, 3)))
    shift = st.integers(-5, 5)
    if draw(st.booleans()):
        return (x, draw(shift)), {}
    axes = draw(st.lists(st.integers(0, x.ndim - 1), min_size=1, unique=True))
    return (x, tuple(draw(shift) for _ in axes), tuple(axes)), {}


def rolled(x, shifts, axis=None):
    if axis is None:
        return rolled(x.reshape(-1), (shifts,), (0,)).reshape(x.shape)
    moved = dict(zip(axis, shifts))
    return filled(x.shape,
                  lambda place: x[tuple((i - moved.get(k, 0)) % n for k, (i, n) in enumerate(zip(place, x.shape)))])


def moved(x, source, destination):
    order = [k for k in range(x.ndim) if k != source % x.ndim]
    order.insert(destination % x.ndim, source % x.ndim)
    return permuted(x, order)


def permuted(x, dims):
    return filled([x.shape[d] for d in dims], lambda place: x[tuple(place[list(np.array(dims) % x.ndim).index(k)]
                                                                 for k in range(x.ndim))])


def exchanged(x, a, b):
    order = list(range(x.ndim))
    order[a], order[b] = order[b], order[a]
    return permuted(x, order)


def flipped(x, axis):
    axes = [k % x.ndim for k in np.atleast_1d(axis)]
    ends = [n - 1 if k in axes else 0 for k, n in enumerate(x.shape)]
    return filled(x.shape, lambda place: x[tuple(abs(end - i) for end, i in zip(ends, place))])


def matrices():
    return calls(arrays(shapes(2, 3)), st.integers(-3, 3))


spec("reshape", to_reshape, lambda x, shape: np.array(x.ravel().tolist()).reshape(shape),
     lambda torch, x, shape: torch.reshape(x, shape))
spec("flatten", to_flatten, lambda x, a, b: np.array(x.ravel().tolist()).reshape(
    [*x.shape[:a], math.prod(x.shape[a:b % x.ndim + 1]), *x.shape[b % x.ndim + 1:]]),
    lambda torch, *args: torch.flatten(*args))
spec("squeeze", with_ones, squeezed,
     lambda torch, x, axis: torch.squeeze(x) if axis is None else torch.squeeze(x, axis))
spec("unsqueeze", lambda: with_some(lambda x: calls(x, st.integers(-x.ndim - 1, x.ndim))),
     lambda x, axis: np.stack([x], axis), lambda torch, x, axis: torch.unsqueeze(x, axis))
spec("permute", lambda: with_some(lambda x: calls(x, st.permutations(range(x.ndim)).map(
    lambda dims: tuple(d - x.ndim if d % 2 else d for d in dims))), min_dims=1), permuted,
    lambda torch, x, dims: torch.permute(x, dims))
spec("transpose", lambda: with_some(lambda x: calls(x, axis_of(x), axis_of(x)), min_dims=1), exchanged,
     lambda torch, x, a, b: torch.transpose(x, a, b))
spec("moveaxis", lambda: with_some(lambda x: calls(x, axis_of(x), axis_of(x)), min_dims=1), moved,
     lambda torch, x, a, b: torch.moveaxis(x, a, b))
spec("moveaxis", lambda: calls(arrays((2, 3, 4)), st.sampled_from((0, -3)), st.sampled_from((2, -1))), moved,
     lambda torch, x, a, b: torch.moveaxis(x, a, b))
spec("broadcast_to", to_broadcast, broadcast, lambda torch, x, shape: torch.broadcast_to(x, shape))
spec("expand", lambda: to_broadcast(True), broadcast, lambda torch, x, shape: x.expand(shape))
spec("flip", lambda: with_some(lambda x: calls(x, st.one_of(axis_of(x), st.just(tuple(range(x.ndim))))), min_dims=1),
     flipped, lambda torch, x, axis: torch.flip(x, axis if isinstance(axis, tuple) else (axis,)))
spec("roll", to_roll, rolled, lambda torch, *args: torch.roll(*args))
spec("tril", matrices, lambda x, k: filled(x.shape, lambda p: x[p] if p[-1] <= p[-2] + k else 0),
     lambda torch, x, k: torch.tril(x, k))
spec("triu", matrices, lambda x, k: filled(x.shape, lambda p: x[p] if p[-1] >= p[-2] + k else 0),
     lambda torch, x, k: torch.triu(x, k))
