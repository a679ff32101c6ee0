"""Rows for `tinymm.functional.indexing`. References read or write the elements one by one."""

import numpy as np

from ..specification import spec
from ..strategies import arrays, indices, integers, seeds, shapes, st


@st.composite
def to_read(draw):
    x = draw(arrays(shapes(1, 4, max_side=3)))
    return (x,), {"index": draw(indices(x.shape))}


@st.composite
def to_place(draw):
    shape = draw(shapes(1, 4, max_side=3))
    index = draw(indices(shape))
    return (draw(arrays(np.zeros(shape)[index].shape)),), {"index": index, "shape": shape}


def read(x, index):
    """x at the positions that the index selects in an array of positions."""
    positions = np.arange(x.size).reshape(x.shape)[index]
    flat = x.ravel().tolist()
    return np.array([flat[k] for k in positions.ravel()], float).reshape(positions.shape)


def placed(x, index, shape):
    positions = np.arange(np.prod(shape, dtype=int)).reshape(shape)[index]
    y = np.zeros(np.prod(shape, dtype=int))
    for k, v in zip(positions.ravel(), x.ravel()):
        y[k] += v
    return y.reshape(shape)


@st.composite
def to_gather(draw, source=False):
    x = draw(arrays(shapes(1, 4, max_side=3)))
    axis = draw(st.integers(0, x.ndim - 1))
    shape = tuple(draw(st.integers(1, 4 if k == axis else n)) for k, n in enumerate(x.shape))
    index = draw(integers(shape, 0, x.shape[axis]))
    axis -= draw(st.sampled_from((0, x.ndim)))
    return (x, axis, index, *([draw(arrays(shape))] if source else [])), {}


@st.composite
def to_take(draw):
    x = draw(arrays(shapes(1, 4, max_side=3)))
    axis = draw(st.integers(-x.ndim, x.ndim - 1))

    def side(k, n):
        if k == axis % x.ndim:
            return st.integers(1, 4)
        return st.sampled_from((1, n)) if n > 1 else st.integers(1, 2)

    shape = tuple(draw(side(k, n)) for k, n in enumerate(x.shape))
    return (x,), {"indices": draw(integers(shape, 0, x.shape[axis])), "axis": axis}


@st.composite
def to_add(draw):
    x = draw(arrays(shapes(1, 4, max_side=3)))
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    index = np.random.default_rng(draw(seeds)).integers(0, x.shape[axis], draw(st.integers(0, 4)))
    shape = tuple(len(index) if k == axis % x.ndim else n for k, n in enumerate(x.shape))
    return (x, axis, index, draw(arrays(shape))), {}


def replaced(place, axis, k):
    place = list(place)
    place[axis] = int(k)
    return tuple(place)


def gathered(x, axis, index):
    y = np.empty(index.shape)
    for place in np.ndindex(index.shape):
        y[place] = x[replaced(place, axis, index[place])]
    return y


def scattered(x, axis, index, source):
    y = x.copy()
    for place in np.ndindex(index.shape):
        y[replaced(place, axis, index[place])] += source[place]
    return y


def added(x, axis, index, source):
    y = np.moveaxis(x, axis, 0).copy()
    for k, part in zip(index, np.moveaxis(source, axis, 0)):
        y[k] += part
    return np.moveaxis(y, 0, axis)


spec("getitem", to_read, read)
spec("place", to_place, placed)
spec("gather", to_gather, gathered, lambda torch, x, axis, index: torch.gather(x, axis, index))
spec("take_along_axis", to_take, lambda x, indices, axis: np.take_along_axis(x, indices, axis),
     lambda torch, x, indices, axis: torch.take_along_dim(x, torch.tensor(indices), axis) if not isinstance(
         indices, torch.Tensor) else torch.take_along_dim(x, indices, axis))
spec("scatter_add", lambda: to_gather(source=True), scattered,
     lambda torch, x, axis, index, source: torch.scatter_add(x, axis, index, source))
spec("index_add", to_add, added, lambda torch, x, axis, index, source: torch.index_add(x, axis, index, source))
