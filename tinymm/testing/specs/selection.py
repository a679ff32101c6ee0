"""Rows for `tinymm.functional.selection`."""

import numpy as np

from ..specification import spec
from ..strategies import arrays, broadcastable, calls, masks, shapes, st


def to_choose():
    return broadcastable(3).flatmap(lambda group: calls(masks(group[0], 0.5), arrays(group[1]), arrays(group[2])))


def to_clip():
    """Values away from the bounds, each of which is a number, an array or missing."""
    def bounds(shape):
        low, high = (st.one_of(st.just(v), arrays(shape, v, v)) for v in (-0.75, 0.75))
        return st.one_of(st.tuples(low, high), st.tuples(low, st.none()), st.tuples(st.none(), high))

    def call(group):
        return st.tuples(arrays(group[0]), bounds(group[1])).map(
            lambda drawn: ((np.where(np.abs(np.abs(drawn[0]) - 0.75) < 0.1, 0.2, drawn[0]), *drawn[1]), {}))
    return broadcastable(2).flatmap(call)


def to_fill():
    return shapes(0, 3).flatmap(lambda shape: calls(arrays(shape), masks(shape[shape[:1] == (2,):]),
                                                       st.sampled_from((2.5, 0, -1))))


def one_by_one(f):
    return lambda *args: np.vectorize(f, otypes=[float])(*args)


def clipped(x, low, high):
    low = -np.inf if low is None else low
    high = np.inf if high is None else high
    return one_by_one(lambda v, a, b: sorted((a, v, b))[1])(x, low, high)


def torch_clip(torch, x, low, high):
    if isinstance(low, torch.Tensor) or isinstance(high, torch.Tensor):
        low, high = (torch.tensor(v, dtype=x.dtype) if isinstance(v, float) else v for v in (low, high))
        x = torch.broadcast_tensors(*(v for v in (x, low, high) if v is not None))[0]  # its own backward would not
    return torch.clamp(x, low, high)


spec("where", to_choose, one_by_one(lambda c, a, b: a if c else b), lambda torch, c, a, b: torch.where(c, a, b))
spec("clip", to_clip, clipped, torch_clip)
spec("masked_fill", to_fill, one_by_one(lambda v, m, value: value if m else v),
     lambda torch, x, mask, value: torch.masked_fill(x, mask, value))
