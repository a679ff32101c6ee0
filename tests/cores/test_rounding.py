"""Quotients rounded up, against exact fractions."""

import math
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tinymm.cores import ceil_div


@given(st.integers(), st.integers().filter(bool))
def test_the_quotient_is_rounded_up(a, b):
    assert ceil_div(a, b) == math.ceil(Fraction(a, b))


@given(st.lists(st.integers(-10**6, 10**6), min_size=1), st.integers(1, 1000))
def test_an_array_is_divided_element_by_element(numbers, b):
    result = ceil_div(np.array(numbers), b)
    assert result.dtype == np.array(numbers).dtype
    assert result.tolist() == [ceil_div(a, b) for a in numbers]
