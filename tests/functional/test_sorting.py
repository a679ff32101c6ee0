"""Which element is where: argsort, argmax, argmin against their definitions, among equals too."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F


@st.composite
def tied(draw):
    """An array with many equal elements, in any layout, and one of its axes."""
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple))
    values = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).integers(-2, 3, shape).astype(float)
    return draw(st.sampled_from([values, np.flip(values), values.T.copy().T])), \
        draw(st.integers(-len(shape), len(shape) - 1))


def lines(x, axis):
    return np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])


@given(tied(), st.booleans())
def test_argsort_puts_the_elements_in_order_and_equals_keep_theirs(drawn, descending):
    x, axis = drawn
    order = F.argsort(tm.Tensor(x), axis, descending).data
    assert order.shape == x.shape
    for line, found in zip(lines(x, axis), lines(order, axis)):
        assert found.tolist() == sorted(range(len(line)), key=lambda k: (-line[k] if descending else line[k], k))


@pytest.mark.parametrize("find, best", [(F.argmax, max), (F.argmin, min)])
@given(tied())
def test_the_first_of_the_largest_and_of_the_smallest(find, best, drawn):
    x, axis = drawn
    kept = find(tm.Tensor(x), axis, keepdims=True).data
    assert kept.shape == np.expand_dims(x.take(0, axis), axis).shape
    np.testing.assert_array_equal(find(x, axis), np.squeeze(kept, axis))
    for line, (found,) in zip(lines(x, axis), lines(kept, axis)):
        assert found == line.tolist().index(best(line))
    assert find(x) == x.ravel().tolist().index(best(x.ravel()))
