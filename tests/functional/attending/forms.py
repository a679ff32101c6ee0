"""Problems for the forms of attention, and what each makes of them."""

from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.functional.attending import fused, heads, powers, tiles
from tinymm.testing.strategies import _laid_out, masks

layouts = st.sampled_from(("C", "F", "reversed", "strided"))


@contextmanager
def small_tiles(rows, keys, tame=heads.TAME, shares=tiles.SHARES, edge=2, cache=fused.CACHE, base=powers.E):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in dict(ROWS=rows, KEYS=keys, SHARES=shares, EDGE=min(edge, keys)).items():
            patch.setattr(tiles, name, value)
        patch.setattr(heads, "TAME", tame)
        patch.setattr(fused, "CACHE", cache)
        for form in (fused, tiles):
            patch.setattr(form, "base_for", lambda dtype: base)
        yield


@st.composite
def problems(draw):
    """Queries, keys, values of any layout whose heads broadcast; a mask of any kind; tiles smaller than they are."""
    T, S, D, E = (draw(st.integers(1, 7)) for _ in range(4))
    leading = draw(st.sampled_from((((), (), ()), ((3,), (1,), ()), ((2, 3), (2, 1), (1, 3)), ((1,), (4,), (4,)))))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    inputs = [_laid_out(rng.uniform(-2, 2, (*lead, *n)), draw(layouts))
              for lead, n in zip(leading, ((T, D), (S, D), (S, E)))]
    kind, mask = draw(st.sampled_from(("none", "causal", "boolean", "additive"))), None
    if kind in ("boolean", "additive"):
        lead = draw(st.sampled_from(((), np.broadcast_shapes(*leading), (1,) * len(leading[0]))))
        mask = draw(masks((*lead, *draw(st.sampled_from(((T, S), (T, 1), (1, S))))), p=0.6))
        mask = mask if draw(st.booleans()) or mask.ndim > 2 or len(mask) > 1 else mask[0]
        mask = mask if kind == "boolean" else np.where(mask, rng.uniform(-3, 3, mask.shape), -np.inf)
    sizes = dict(rows=draw(st.integers(1, 4)), keys=draw(st.integers(1, 4)), shares=draw(st.integers(1, 8)),
                 tame=draw(st.sampled_from((heads.TAME, -1.0))), edge=draw(st.integers(1, 4)),
                 cache=draw(st.integers(0, 100)), base=draw(st.sampled_from((powers.E, powers.TWO))))
    return inputs, dict(attn_mask=mask, is_causal=kind == "causal",
                        scale=draw(st.sampled_from((None, 0.3, -1.0)))), sizes


def value_and_gradients(f, arrays, g, **options):
    inputs = [tm.tensor(a, requires_grad=True) for a in arrays]
    y = f(*inputs, **options)
    return [y.data, *(d.data for d in tm.grad(y, inputs, g))]


def is_the_explicit_form(f, problem, seed):
    """Value and gradients of f are those of the steps, for a random cotangent."""
    arrays, options, sizes = problem
    g = np.random.default_rng(seed).standard_normal(F.explicit_attention(*arrays, **options).shape)
    with small_tiles(**sizes):
        found, expected = (value_and_gradients(form, arrays, g, **options) for form in (f, F.explicit_attention))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
