"""Hypothesis strategies for arrays: hypothesis draws shape, layout and a seed; a Generator fills in the values.

Values drawn that way are well spread and never subnormal or equal by accident,
as finite differences need them; the shapes shrink as usual.
hypothesis is imported here and nowhere else in the package.
"""

from functools import partial

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

__all__ = ["arrays", "broadcastable", "calls", "convolutions", "einsums", "for_all", "indices", "integers",
           "masks", "positive", "seeds", "shapes", "st", "tensors_of", "transposed_convolutions"]

seeds = st.integers(0, 2**32 - 1)
# Not its phase "explain": hundreds of further calls, for a remark in an error message that nobody reads here.
settings = partial(hypothesis.settings, phases=(Phase.generate, Phase.shrink))


def shapes(min_dims=0, max_dims=3, min_side=1, max_side=4):
    """Shapes as tuples."""
    return st.lists(st.integers(min_side, max_side), min_size=min_dims, max_size=max_dims).map(tuple)


@st.composite
def arrays(draw, shape=None, low=-2.0, high=2.0, gap=0.0, away_from=0.0, distinct=False, dtype=np.float64):
    """Random values in [low, high], at least `gap` away from `away_from`; `distinct`: no two closer than 0.05.

    The layout is C, Fortran, reversed or strided.
    """
    if not isinstance(shape, tuple):
        shape = draw(shapes() if shape is None else shape)
    rng = np.random.default_rng(draw(seeds))
    if distinct:
        size = int(np.prod(shape))
        values = (rng.permutation(size) - size / 2 + rng.uniform(-0.3, 0.3, size)).reshape(shape) * 0.1 + away_from
    else:
        values = rng.uniform(low, high, shape)
    if gap:
        side = np.where(values >= away_from, 1.0, -1.0)
        values = np.where(np.abs(values - away_from) < gap, away_from + side * gap * (1 + rng.random(shape)), values)
    return _laid_out(np.asarray(values, dtype), draw(st.sampled_from(("C", "F", "reversed", "strided"))))


def _laid_out(values, layout):
    """The same values in another memory layout."""
    if layout == "F":
        return values.copy(order="F")
    if values.ndim and layout == "reversed":
        return np.ascontiguousarray(values[::-1])[::-1]
    if values.ndim and layout == "strided":
        wide = np.zeros((*values.shape[:-1], 2 * values.shape[-1]), values.dtype)
        wide[..., ::2] = values
        return wide[..., ::2]
    return values


def positive(shape=None, low=0.2, high=3.0):
    """Random values well above zero."""
    return arrays(shape, low, high)


@st.composite
def broadcastable(draw, n=2, max_dims=3, max_side=3):
    """n shapes that broadcast together."""
    whole = draw(shapes(0, max_dims, 1, max_side))
    result = []
    for _ in range(n):
        kept = whole[draw(st.integers(0, len(whole))):]
        result.append(tuple(1 if draw(st.booleans()) else side for side in kept))
    return tuple(result)


def integers(shape, low, high):
    """Integer arrays with values in [low, high)."""
    return seeds.map(lambda seed: np.random.default_rng(seed).integers(low, high, shape))


def masks(shape, p=0.7):
    """Boolean arrays, True with probability p."""
    return seeds.map(lambda seed: np.asarray(np.random.default_rng(seed).random(shape) < p))


def tensors_of(shape_strategy, **kwargs):
    """A list of arrays, one for each shape that `shape_strategy` draws."""
    return shape_strategy.flatmap(lambda group: st.tuples(*(arrays(s, **kwargs) for s in group)).map(list))


def calls(*args, **kwargs):
    """`(args, kwargs)` from one strategy (or constant) per argument."""
    def lift(value):
        return value if isinstance(value, st.SearchStrategy) else st.just(value)

    return st.tuples(st.tuples(*map(lift, args)), st.fixed_dictionaries({k: lift(v) for k, v in kwargs.items()}))


@st.composite
def indices(draw, shape):
    """An index NumPy takes: a mask, or per axis an int, a slice or an integer array; None and Ellipsis between."""
    if draw(st.integers(0, 4)) == 0:
        return draw(masks(shape[:draw(st.integers(0, len(shape)))]))
    side = draw(shapes(0, 2, max_side=3))
    parts = []
    for n in shape[:draw(st.integers(0, len(shape)))]:
        parts.append(draw(st.one_of(
            st.integers(-n, n - 1), integers(side, -n, n),
            st.builds(slice, *[st.one_of(st.none(), st.integers(-n, n))] * 2, st.sampled_from((None, 1, 2, -1))))))
    for extra in draw(st.lists(st.sampled_from((None, Ellipsis)), max_size=2, unique=True)):
        parts.insert(len(parts) if extra is Ellipsis else draw(st.integers(0, len(parts))), extra)
    return parts[0] if len(parts) == 1 else tuple(parts)


@st.composite
def einsums(draw):
    """`(equation, *operands)` of an einsum: repeated labels, lone labels, dots,
    axes of length 1 that broadcast, no arrow."""
    sizes = dict(zip("ijkl", (2, 3, 1, 2)))
    terms = []
    operands = []
    for _ in range(draw(st.integers(1, 3))):
        term = "".join(draw(st.lists(st.sampled_from("ijkl"), max_size=3)))
        once = {c: sizes[c] if draw(st.integers(0, 3)) or term.count(c) > 1 else 1 for c in term}
        shape = [once[c] for c in term]
        if draw(st.integers(0, 3)) == 0:
            at = draw(st.integers(0, len(term)))
            term = term[:at] + "..." + term[at:]
            shape[at:at] = draw(st.sampled_from(((), (2,), (3, 2), (1, 2))))
        terms.append(term)
        operands.append(draw(arrays(tuple(shape))))
    equation = ",".join(terms)
    if draw(st.booleans()):
        known = sorted(set(equation) - set(",."))
        out = "".join(draw(st.permutations(known))[:draw(st.integers(0, len(known)))])
        equation += "->" + ("..." if "..." in equation else "") + out
    return (equation, *operands), {}


@st.composite
def convolutions(draw, dims=2, same=False):
    """Image, kernel, maybe bias, and a geometry in which at least one window fits;
    odd sides, gaps and strides included."""
    groups = draw(st.integers(1, 3))
    several = st.tuples(*[st.integers(1, 3)] * dims)
    kernel = draw(several)
    dilation = draw(several)
    stride = (1,) * dims if same else draw(st.tuples(*[st.integers(1, 4)] * dims))
    padding = draw(st.tuples(*[st.integers(0, 2)] * dims))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    least = [1 if same else max(1, r - 2 * p) for r, p in zip(reach, padding)]
    sides = [draw(st.integers(n, n + 3)) for n in least]
    channels = groups * draw(st.integers(1, 2))
    out = groups * draw(st.integers(1, 2))
    image = draw(arrays((draw(st.integers(1, 2)), channels, *sides)))
    weight = draw(arrays((out, channels // groups, *kernel)))
    bias = draw(st.one_of(st.none(), arrays((out,))))
    return (image, weight, bias, stride, "same" if same else padding, dilation, groups), {}


@st.composite
def transposed_convolutions(draw):
    """Image, kernel, bias and a geometry that leaves something of the result."""
    groups = draw(st.integers(1, 3))
    several = st.tuples(*[st.integers(1, 3)] * 2)
    kernel = draw(several)
    stride = draw(several)
    dilation = draw(several)
    extra = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation))
    sides = [draw(st.integers(1, 4)) for _ in range(2)]
    whole = [(n - 1) * s + d * (k - 1) + 1 + e for n, s, d, k, e in zip(sides, stride, dilation, kernel, extra)]
    padding = tuple(draw(st.integers(0, min(3, (n - 1) // 2))) for n in whole)
    channels = groups * draw(st.integers(1, 2))
    out = groups * draw(st.integers(1, 2))
    image = draw(arrays((draw(st.integers(1, 2)), channels, *sides)))
    weight = draw(arrays((channels, out // groups, *kernel)))
    bias = draw(st.one_of(st.none(), arrays((out,))))
    return (image, weight, bias, stride, padding, extra, groups, dilation), {}


def for_all(strategy, check, examples):
    """Call `check(drawn, seed)` for that many draws, the same every time;
    the error of the smallest failing one is raised."""
    # what is drawn depends on the text of these six lines
    @settings(max_examples=examples, derandomize=True, deadline=None, database=None, report_multiple_bugs=False,
              suppress_health_check=list(HealthCheck))
    @given(strategy, seeds)
    def run(drawn, seed):
        check(drawn, seed)

    run()
