"""Rows for `tinymm.functional.sorting`."""

import numpy as np

from ..specification import spec
from ..strategies import arrays, calls, shapes, st


def distinct_and_axis(**options):
    return arrays(shapes(1, 3), distinct=True).flatmap(
        lambda x: calls(x, axis=st.integers(-x.ndim, x.ndim - 1), **{k: f(x) for k, f in options.items()}))


@st.composite
def first_k(draw):
    (x,), kwargs = draw(distinct_and_axis())
    return (x, draw(st.integers(1, x.shape[kwargs["axis"]]))), {**kwargs, "largest": draw(st.booleans())}


def sorted_lines(x, axis=-1, descending=False):
    """Python's sort of (value, index) pairs, line by line."""
    values = np.empty(x.shape)
    indices = np.empty(x.shape, np.intp)
    lines, values_t, indices_t = (np.moveaxis(a, axis, -1) for a in (x, values, indices))
    for place in np.ndindex(lines.shape[:-1]):
        pairs = sorted(((v, i) for i, v in enumerate(lines[place])), reverse=descending)
        values_t[place], indices_t[place] = zip(*pairs)
    return values, indices


spec("sort", lambda: distinct_and_axis(descending=lambda x: st.booleans()), sorted_lines,
     lambda torch, x, axis, descending: torch.sort(x, axis, descending)[0].reshape(-1))
spec("topk", first_k, lambda x, k, axis, largest: tuple(
    np.take(part, range(k), axis) for part in sorted_lines(x, axis, largest)),
    lambda torch, x, k, axis, largest: torch.topk(x, k, axis, largest)[0].reshape(-1))
