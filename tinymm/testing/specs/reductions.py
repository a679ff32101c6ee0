"""Rows for `tinymm.functional.reductions`."""

import itertools
import math

import numpy as np
import scipy.special

from ..specification import spec
from ..strategies import arrays, calls, shapes, st


@st.composite
def along_axes(draw, values=arrays, several=True, whole=True, min_dims=0, **options):
    """An array, an axis (several, none), and `keepdims`."""
    x = draw(values(draw(shapes(min_dims, 4, max_side=3))))
    axes = st.lists(st.integers(0, max(x.ndim - 1, 0)), unique=True, min_size=1, max_size=x.ndim or 1).map(tuple)
    kinds = ([st.none()] if whole or not x.ndim else []) + ([axes] if several and x.ndim else [])
    kinds += [st.integers(-x.ndim, x.ndim - 1)] if x.ndim else []
    kwargs = {name: draw(choice) for name, choice in options.items()}
    return (x,), {"axis": draw(st.one_of(kinds)), "keepdims": draw(st.booleans()), **kwargs}


def looped(f):
    """The reference: a Python function of a list, called for each result by itself."""
    def reduce(x, axis=None, keepdims=False, **options):
        axes = range(x.ndim) if axis is None else [k % x.ndim for k in np.atleast_1d(axis)]
        y = np.empty([1 if k in axes else n for k, n in enumerate(x.shape)])
        for place in np.ndindex(y.shape):
            y[place] = f(x[tuple(slice(None) if k in axes else i for k, i in enumerate(place))].ravel().tolist(),
                         **options)
        return y if keepdims else np.squeeze(y, tuple(axes))
    return reduce


def variance(values, correction=1):
    mean = math.fsum(values) / len(values)
    return math.fsum((v - mean) ** 2 for v in values) / (len(values) - correction)


def mirrors(name):
    """PyTorch's function, with all axes spelled out where it wants that."""
    def call(torch, x, axis=None, keepdims=False, **options):
        axis = tuple(range(x.ndim)) if axis is None else axis
        return getattr(torch, name)(x, axis, keepdim=keepdims, **options)
    return call


def spread_out(shape):
    """Arrays with at least two elements along each axis, so that a variance exists."""
    return arrays(tuple(n + 1 for n in shape))


def with_zeros(shape):
    return arrays(shape).map(lambda x: np.where(np.abs(x) < 0.6, 0.0, x))


def torch_prod(torch, x, axis=None, keepdims=False):
    for k in sorted(k % x.ndim for k in np.atleast_1d(range(x.ndim) if axis is None else axis)):
        x = torch.prod(x, int(k), keepdim=True)
    kept = [n for k, n in enumerate(x.shape)
            if axis is not None and k not in {int(a) % x.ndim for a in np.atleast_1d(axis)}]
    return x if keepdims else x.reshape(kept)


spec("sum", along_axes, looped(math.fsum), mirrors("sum"))
spec("mean", along_axes, looped(lambda v: math.fsum(v) / len(v)), mirrors("mean"))
spec("var", lambda: along_axes(spread_out, min_dims=1, correction=st.sampled_from((0, 1, 0.5))), looped(variance),
     mirrors("var"))
spec("std", lambda: along_axes(spread_out, min_dims=1, correction=st.sampled_from((0, 1, 0.5))),
     looped(lambda v, correction: math.sqrt(variance(v, correction))), mirrors("std"))
spec("prod", lambda: along_axes(with_zeros), looped(math.prod), torch_prod)
spec("cumsum", lambda: arrays(shapes(1, 3)).flatmap(lambda x: calls(x, st.integers(-x.ndim, x.ndim - 1))),
     lambda x, axis: np.apply_along_axis(lambda v: list(itertools.accumulate(v)), axis, x),
     lambda torch, x, axis: torch.cumsum(x, axis))
spec("logsumexp", along_axes, looped(scipy.special.logsumexp), mirrors("logsumexp"))
