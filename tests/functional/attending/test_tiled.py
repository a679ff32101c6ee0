"""Tiled attention where heads broadcast or there are none:
value and gradients have the shapes and numbers of the steps."""

import numpy as np
import pytest

import tinymm.functional as F

from .forms import value_and_gradients


@pytest.mark.parametrize("leading", [((), (), ()), ((3,), (1,), ()), ((1,), (2,), (2,)), ((2, 1), (1, 3), (3,))])
def test_heads_broadcast(leading, rng):
    arrays = [rng.standard_normal((*lead, *n)) for lead, n in zip(leading, ((4, 3), (5, 3), (5, 2)))]
    g = rng.standard_normal((*np.broadcast_shapes(*leading), 4, 2))
    found, expected = (value_and_gradients(f, arrays, g) for f in (F.tiled_attention, F.explicit_attention))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
