"""Where windows lie, counted one by one; and what is refused, word for word."""

import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tinymm.functional.convolution.windows import geometry_of, pair, view_windows

PAIRS = st.tuples(*[st.integers(1, 3)] * 2)


@given(st.tuples(*[st.integers(1, 8)] * 2), PAIRS, PAIRS, PAIRS, st.sampled_from(["valid", 0, 1, (2, 0), (0, 1)]))
def test_windows_are_where_a_kernel_fits(sides, kernel, stride, dilation, padding):
    zeros = (0, 0) if padding == "valid" else padding if isinstance(padding, tuple) else (padding, padding)
    padded = tuple(n + 2 * p for n, p in zip(sides, zeros))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    assume(all(r <= n for r, n in zip(reach, padded)))
    geometry = geometry_of("test", sides, kernel, stride, padding, dilation)
    starts = [[v for v in range(0, n, s) if v + r <= n] for n, s, r in zip(padded, stride, reach)]
    assert (geometry.padded, geometry.before, geometry.sides) == (padded, zeros, sides)
    assert geometry.windows == tuple(map(len, starts))
    image = np.arange(np.prod(padded)).reshape(padded)
    np.testing.assert_array_equal(image[geometry.inside],
                                  image[zeros[0]:padded[0] - zeros[0], zeros[1]:padded[1] - zeros[1]])
    for i, j, tap in geometry.taps():
        seen = image[np.ix_(np.array(starts[0]) + i * dilation[0], np.array(starts[1]) + j * dilation[1])]
        np.testing.assert_array_equal(image[tap], seen)
        np.testing.assert_array_equal(view_windows(image, geometry)[i, j], seen)
    assert [(i, j) for i, j, _ in geometry.taps()] == list(np.ndindex(kernel))


@given(st.tuples(*[st.integers(1, 6)] * 2), PAIRS, PAIRS)
def test_same_has_as_many_windows_as_pixels_and_the_odd_zero_below_and_to_the_right(sides, kernel, dilation):
    geometry = geometry_of("test", sides, kernel, 1, "same", dilation)
    assert geometry.windows == sides
    for n, before, padded, k, d in zip(sides, geometry.before, geometry.padded, kernel, dilation):
        after = padded - n - before
        assert before + after == d * (k - 1) and after - before in (0, 1)


@pytest.mark.parametrize("given_, least, words", [
    (0, 1, "f: size must be one whole number or two, at least 1; got 0"),
    ((1, 0), 1, "f: size must be one whole number or two, at least 1; got (1, 0)"),
    ((2, 2, 2), 0, "f: size must be one whole number or two, at least 0; got (2, 2, 2)"),
    (1.5, 0, "f: size must be one whole number or two, at least 0; got 1.5")])
def test_pairs_are_whole_numbers(given_, least, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        pair(given_, "f", "size", least)
    assert pair(3, "f", "size", 3) == (3, 3) == pair([np.int64(3), 3], "f", "size", 0)


@pytest.mark.parametrize("options, words", [
    ({"stride": 0}, "f: stride must be one whole number or two, at least 1; got 0"),
    ({"dilation": (1, 0)}, "f: dilation must be one whole number or two, at least 1; got (1, 0)"),
    ({"padding": -1}, "f: padding must be one whole number or two, at least 0; got -1"),
    ({"kernel": (2, 0)}, "f: the kernel needs at least one pixel each way; got (2, 0)"),
    ({"stride": (1, 2), "padding": "same"}, "f: padding 'same' needs stride 1; got stride (1, 2)"),
    ({"kernel": (2, 3), "dilation": 2}, "f: the kernel must fit into the padded image; "
                                        "got a reach of (3, 5) (kernel (2, 3), dilation (2, 2)) and (4, 4) pixels")])
def test_errors(options, words):
    arguments = {"name": "f", "sides": (4, 4), "kernel": (2, 2), "stride": 1, "padding": "valid",
                 "dilation": 1} | options
    with pytest.raises(ValueError, match=re.escape(words)):
        geometry_of(**arguments)
