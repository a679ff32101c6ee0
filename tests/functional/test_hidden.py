"""What a mask, an index, a window leaves out has no influence: not on values, not on gradients, be it NaN or ∞."""

import inspect
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F

from .hidden import ROWS

HIDING = {"mask", "attn_mask", "ignore_index", "padding_idx", "padding", "is_causal", "condition", "input_lengths",
          "index", "indices", "choice"}  # names of parameters that leave something out
WITHOUT_GRADIENT = {"ctc_alignment", "ctc_posteriors"}
CONTENTS = ("nan", "inf", "-inf", "max", "tiny")
TOLERANCE = {np.float16: 0.05, np.float32: 1e-5, np.float64: 1e-12}  # of other products of the same numbers


def content(kind, dtype):
    return dtype(getattr(np.finfo(dtype), kind)) if kind in ("max", "tiny") else dtype(kind)


def filled(arrays, hidden, value):
    return [a if where is None else np.where(where, value, a) for a, where in zip(arrays, hidden)]


def outcome(f, arrays, g):
    """Value and gradients of f."""
    inputs = [tm.tensor(a, requires_grad=True) for a in arrays]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)                 # what is hidden may be computed with
        y = f(*inputs)
        g = np.asarray(g(y.shape), y.dtype)
        return [y.data, *(d.data for d in tm.grad(y, inputs, g))]


def test_every_function_that_hides_has_a_row():
    functions = {name for name in F.__all__ if inspect.isfunction(getattr(F, name))
                 and HIDING & set(inspect.signature(getattr(F, name)).parameters)}
    assert functions - {name.partition(":")[0] for name in ROWS} == WITHOUT_GRADIENT


@pytest.mark.parametrize("name", ROWS)
@settings(max_examples=6)
@given(st.integers(0, 2**32 - 1), st.sampled_from((np.float64, np.float64, np.float32, np.float16)))
def test_what_is_left_out_has_no_influence(name, seed, dtype):
    """Values and gradients are those with zeros there; what was hidden gets a gradient of exactly zero."""
    rng = np.random.default_rng(seed)
    f, arrays, hidden, silent = ROWS[name](rng, dtype)

    def cotangent(value):
        def draw(shape):
            g = np.random.default_rng(seed).standard_normal(shape)
            return g if silent is None else np.where(silent, value, g)
        return draw

    expected = outcome(f, filled(arrays, hidden, dtype(0)), cotangent(0))
    for kind in CONTENTS:
        value = content(kind, dtype)
        found = outcome(f, filled(arrays, hidden, value), cotangent(value))
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype], err_msg=kind)
        for d, where in zip(found[1:], hidden):
            assert where is None or not d[where].any(), kind


@pytest.mark.parametrize("name", [name for name in ROWS if name.partition(":")[0] not in ("avg_pool2d", "conv3d")])
def test_nor_on_gradients_that_are_recorded(name):
    """Under create_graph, where fused forms are replaced by their composites."""
    rng = np.random.default_rng(1)
    f, arrays, hidden, _ = ROWS[name](rng, np.float64)
    found = []
    for value in (0.0, np.nan):
        inputs = [tm.tensor(a, requires_grad=True) for a in filled(arrays, hidden, value)]
        y = f(*inputs)
        g = tm.tensor(np.random.default_rng(2).standard_normal(y.shape))
        found.append([d.data for d in tm.grad(y, inputs, g, create_graph=True)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-11)
