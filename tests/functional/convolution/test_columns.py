"""Which way a derivative of the form is computed: without columns, by fewer columns, in blocks, by threads."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.cores import threads
from tinymm.functional.convolution import columns
from tinymm.functional.convolution.columns import Columns, _is_direct, _turned
from tinymm.functional.convolution.conv import conv2d_composite
from tinymm.functional.convolution.windows import geometry_of

PAIRS = st.tuples(*[st.integers(1, 3)] * 2)


@st.composite
def geometries(draw, **given_):
    """Any geometry of a small image, with the options that are given."""
    options = {"kernel": draw(PAIRS), "stride": draw(PAIRS), "dilation": draw(PAIRS),
               "padding": draw(st.sampled_from([0, 1, (2, 0), (0, 1), (1, 4), (4, 4)]))} | given_
    try:
        return geometry_of("test", draw(st.tuples(*[st.integers(1, 7)] * 2)), **options)
    except ValueError:
        assume(False)


@st.composite
def forms(draw, layout=geometries()):
    """images, kernel, response, geometry and groups."""
    geometry, groups, batch = draw(layout), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    depth, width = draw(st.integers(1, 3)), draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return (rng.standard_normal((batch, groups * depth, *geometry.sides)),
            rng.standard_normal((groups * width, depth, *geometry.kernel)),
            rng.standard_normal((batch, groups * width, *geometry.windows)), geometry, groups)


class Calls:
    """A function that notes its arguments and goes on."""

    def __init__(self, function):
        self.function, self.noted = function, []

    def __call__(self, *args, **kwargs):
        self.noted.append((*args, *kwargs.values()))
        return self.function(*args, **kwargs)


@given(geometries(), st.integers(1, 3), st.booleans())
def test_only_an_image_that_is_its_own_matrix_is_not_copied(geometry, channels, by_pixel):
    image = np.arange(1.0, channels * np.prod(geometry.sides) + 1).reshape(channels, *geometry.sides)
    if by_pixel:
        image = np.ascontiguousarray(image.transpose(1, 2, 0)).transpose(2, 0, 1)
    x = image[None]
    matrix = next(Columns(1, channels, geometry, 1, x.dtype, by_pixel, np.empty).unfold(x, 0, 1))[2]
    # of one pixel, at any stride
    own = geometry.kernel == (1, 1) and geometry.windows == geometry.padded == geometry.sides
    assert np.shares_memory(matrix, x) == own


@given(forms(), st.booleans(), st.sampled_from([1, 30, 300, 2**18]))
def test_both_orders_of_columns_give_the_same_however_the_windows_are_cut_into_blocks(form, side_by_side, buffer):
    x, w, g, geometry, _ = form
    x, g = x[:, :w.shape[1]], g[:, :len(w)]
    if side_by_side:
        x, g = (np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2) for a in (x, g))
    found = []
    for by_pixel in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(columns, "BUFFER", buffer if by_pixel else 2**18 // buffer)
            patch.setattr(columns, "_by_pixel", lambda *_: by_pixel)
            patch.setattr(columns, "_turned", lambda geometry: None)
            found.append((columns.correlate(x, w, geometry, 1), columns.spread(g, w, geometry, 1),
                          columns.kernel_gradient(g, x, geometry, 1)))
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


@given(forms())
def test_the_three_derivatives_are_of_one_form(form):
    """⟨g, x ⋆ w⟩ is one number, by whichever of the three."""
    x, w, g, geometry, groups = form
    y = columns.correlate(x, w, geometry, groups)
    for other in [(columns.spread(g, w, geometry, groups) * x).sum(),
                  (columns.kernel_gradient(g, x, geometry, groups) * w).sum()]:
        np.testing.assert_allclose(other, (g * y).sum(), rtol=1e-9, atol=1e-9)


@given(forms())
def test_the_work_is_counted_in_multiplications(form):
    """Where no columns are spared, all three take one for each place of the response and each number of its kernel;
    so do the phases of painting with a stride, together."""
    x, w, g, geometry, groups = form
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "parallel_for", loop := Calls(columns.parallel_for))
        patch.setattr(columns, "_turned", lambda geometry: None)
        columns.correlate(x, w, geometry, groups)
        columns.spread(g, w, geometry, groups)
        columns.kernel_gradient(g, x, geometry, groups)
    first, second, *phases, last = [call[2] for call in loop.noted]
    assert first == second == last == g.size * w[0].size
    assert not phases or sum(phases) == second


def lines():
    """Every small geometry of one row, and of one column: with zeros within and beyond the reach of the kernel."""
    for side, k, d, s, p in itertools.product(range(1, 5), range(1, 4), (1, 2), (1, 2), range(6)):
        if d * (k - 1) < side + 2 * p:
            yield geometry_of("test", (side, 2), (k, 1), (s, 1), (p, 0), (d, 1))
            yield geometry_of("test", (2, side), (1, k), (1, s), (0, p), (1, d))


def test_painting_is_turned_where_there_is_no_stride_and_no_padding_beyond_the_reach():
    """The response is a window of the turned convolution's image; its windows are the pixels painted."""
    for geometry in lines():
        rest = tuple(d * (k - 1) for k, d in zip(geometry.kernel, geometry.dilation))
        turned = _turned(geometry)
        if geometry.stride != (1, 1) or geometry.before[0] > rest[0] or geometry.before[1] > rest[1]:
            assert turned is None
            continue
        assert turned.before == tuple(r - p for r, p in zip(rest, geometry.before))
        assert turned.padded == tuple(n + r for n, r in zip(geometry.sides, rest))
        assert turned[:3] == (geometry.kernel, (1, 1), geometry.dilation)
        assert (turned.sides, turned.windows) == (geometry.windows, geometry.sides)


@pytest.mark.parametrize("before, sides, turned",
                         [((0, 0), (3, 3), True), ((0, 0), (2, 3), False), ((0, 0), (3, 2), False),
                          ((2, 2), (3, 3), True), ((3, 2), (3, 3), False), ((2, 3), (3, 3), False)])
def test_painting_is_not_turned_where_more_zeros_than_the_reach_lie_on_one_side(before, sides, turned):
    """Of three windows each way; a kernel that reaches two pixels allows two rows of zeros above and two below."""
    geometry = geometry_of("test", (5, 5), (3, 3), 1, 0, 1)._replace(before=before, sides=sides)
    assert (_turned(geometry) is not None) == turned


@pytest.mark.parametrize("kernel", [(2, 3), (1, 1)])
def test_a_painting_is_turned_where_that_takes_fewer_columns_or_none(kernel, monkeypatch):
    geometry = geometry_of("test", (4, 5), kernel, 1, 0, 1)
    monkeypatch.setattr(columns, "correlate", taken := Calls(lambda *_: None))
    for groups, width, depth in itertools.product((1, 2, 3), range(1, 8), (1, 2, 3)):
        taken.noted.clear()
        columns.spread(np.zeros((1, groups * width, *geometry.windows)), np.zeros((groups * width, depth, *kernel)),
                       geometry, groups)
        assert bool(taken.noted) == (width <= 2 * depth or kernel == (1, 1))


@pytest.mark.parametrize("width, depth", [(7, 2), (2, 2)])
def test_through_a_kernel_of_one_pixel_paint_is_a_matrix_product(rng, width, depth):
    g, w = rng.standard_normal((2, 2 * width, 4, 3)), rng.standard_normal((2 * width, depth, 1, 1))
    geometry = geometry_of("test", (4, 3), (1, 1), 1, 0, 1)
    expected = np.einsum("bgohw,goc->bgchw", g.reshape(2, 2, width, 4, 3), w.reshape(2, width, depth))
    np.testing.assert_allclose(columns.spread(g, w, geometry, 2), expected.reshape(2, 2 * depth, 4, 3),
                               rtol=1e-12, atol=1e-12)


@given(geometries(), st.integers(0, 9), st.integers(1, 3), st.booleans(), st.sampled_from([1, 30, 300, 2**18]))
@example(geometry_of("test", (2, 3), (1, 1), 1, 0, 1), 0, 2, True, 300)
@example(geometry_of("test", (4, 4), (2, 2), 2, 0, 1), 9, 2, True, 2**18)
def test_a_block_is_as_large_as_may_be_and_no_larger(geometry, batch, channels, by_pixel, buffer):
    """Each row of windows comes once, in order; a block has BUFFER numbers at most, or one row; one more image, or
    one more row, would be too many."""
    x = np.zeros((batch, channels, *geometry.sides))
    down, across = geometry.windows
    row = channels * np.prod(geometry.kernel) * across
    made_of = channels * np.prod(geometry.padded)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "BUFFER", buffer)
        made = Columns(batch, channels, geometry, 1, x.dtype, by_pixel, np.empty)
        blocks = list(made.unfold(x, 0, batch))
    assert _is_direct(geometry) or (made.padded is None) == (geometry.padded == geometry.sides)
    places = [(b, r) for images, rows, _ in blocks for b in range(batch)[images] for r in range(down)[rows]]
    assert places == list(itertools.product(range(batch), range(down)))
    for images, rows, matrix in blocks:
        n, m = images.stop - images.start, rows.stop - rows.start
        assert matrix.shape == (1, n * m * across, row // across)
        if not _is_direct(geometry):
            assert matrix.size <= buffer or n == m == 1
            assert rows.stop == down or (m + 1) * row > buffer
            assert images.stop == batch or m < down or (n + 1) * max(down * row, made_of) > buffer
        else:
            assert n == (batch if by_pixel else 1)


def test_in_float32_they_err_by_few_units_in_the_last_place(rng):
    x, w, g = (rng.standard_normal(shape).astype(np.float32)
               for shape in [(3, 64, 12, 9), (48, 64, 3, 3), (3, 48, 12, 9)])
    geometry = geometry_of("test", (12, 9), (3, 3), 1, 1, 1)
    for f, a, b in [(columns.correlate, x, w), (columns.spread, g, w), (columns.kernel_gradient, g, x)]:
        single, true = f(a, b, geometry, 1), f(a.astype(float), b.astype(float), geometry, 1)
        assert single.dtype == np.float32
        assert np.sqrt(np.mean((single - true)**2) / np.mean(true**2)) < 1e-6


def test_more_threads_and_fewer_compute_the_same_and_again_the_same_bits(two_threads, rng, monkeypatch):
    pytest.importorskip("threadpoolctl", reason="extra `threads`")
    monkeypatch.setattr(threads, "ENOUGH", 0)
    monkeypatch.setattr(columns, "BUFFER", 4000)
    x, w, g = (rng.standard_normal(shape).astype(np.float32)
               for shape in [(7, 32, 8, 9), (48, 32, 3, 3), (7, 48, 8, 9)])
    geometry = geometry_of("test", (8, 9), (3, 3), 1, 1, 1)

    def results():
        return (columns.correlate(x, w, geometry, 1), columns.spread(g, w, geometry, 1),
                columns.kernel_gradient(g, x, geometry, 1))

    parallel, again = results(), results()
    monkeypatch.setattr(threads, "_blas", lambda: None)
    for a, b, alone in zip(parallel, again, results(), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, alone, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["image", "cotangent"])
@given(forms())
def test_what_is_not_finite_reaches_its_own_windows_only(bad, where, form):
    """Response and gradients are finite where those of the explicit form are, and equal there."""
    x, w, g, geometry, groups = form
    (x if where == "image" else g).flat[0] = bad
    found = []
    for f in (F.conv2d, conv2d_composite):
        image, kernel = (tm.tensor(a, requires_grad=True) for a in (x, w))
        with np.errstate(invalid="ignore"):
            y = f(image, kernel, None, geometry.stride, geometry.before, geometry.dilation, groups)
            y.backward(g)
        found.append([y.data, image.grad, kernel.grad])
    for ours, explicit in zip(*found, strict=True):
        np.testing.assert_array_equal(np.isfinite(ours), np.isfinite(explicit))
        np.testing.assert_allclose(ours[np.isfinite(ours)], explicit[np.isfinite(ours)], rtol=1e-9, atol=1e-9)
