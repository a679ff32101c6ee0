"""Winograd's convolution is the columns' convolution:
values, gradients, second derivatives, float32, threads, layouts."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.cores import threads
from tinymm.functional.convolution import columns, winograd
from tinymm.functional.convolution.windows import geometry_of
from tinymm.testing import gradcheck, gradgradcheck

PADDINGS = ["same", "valid", 0, 1, (2, 0), (1, 2), 3]


def whenever_possible(geometry, groups, channels, out):
    """For the tests: also where it does not pay."""
    return geometry.kernel == (3, 3) and geometry.stride == geometry.dilation == (1, 1) and groups == 1


def layouts(a):
    """Planes, channels side by side, and neither."""
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    wide[..., ::2] = a
    return [a, np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2), wide[..., ::2]]


@st.composite
def problems(draw):
    """images, kernel, bias or none, response, geometry; odd and even sides, one tile or many, 0 to 5 images."""
    batch, channels, out = draw(st.integers(0, 5)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    sides = draw(st.tuples(st.integers(3, 11), st.integers(3, 11)))
    geometry = geometry_of("test", sides, (3, 3), 1, draw(st.sampled_from(PADDINGS)), 1)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x, w = rng.standard_normal((batch, channels, *sides)), rng.standard_normal((out, channels, 3, 3))
    bias = rng.standard_normal(out) if draw(st.booleans()) else None
    return draw(st.sampled_from(layouts(x))), w, bias, rng.standard_normal((batch, out, *geometry.windows)), geometry


@given(problems(), st.sampled_from([1, 20, 300, 32768]))
def test_it_is_the_convolution_of_the_columns_however_the_tiles_are_shared_out(problem, block):
    x, w, bias, g, geometry = problem
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "BLOCK", block)
        y, d = winograd.correlate(x, w, geometry, bias), winograd.kernel_gradient(g, x, geometry)
    np.testing.assert_allclose(y, columns.correlate(x, w, geometry, 1, bias), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(d, columns.kernel_gradient(g, x, geometry, 1), rtol=1e-12, atol=1e-11)


@given(problems())
def test_the_work_is_counted_in_multiplications(problem):
    """Sixteen for each tile of 2×2 responses and each pair of channels; for the kernel, four for each response."""
    x, w, _, g, geometry = problem
    pairs, (down, across) = len(w) * x.shape[1], (-(-n // 2) for n in geometry.windows)
    counted = []

    def loop(n, body, work):
        counted.append(work)
        return threads.parallel_for(n, body, work)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "parallel_for", loop)
        winograd.correlate(x, w, geometry)
        winograd.kernel_gradient(g, x, geometry)
    assert counted == [16 * len(x) * down * across * pairs, 4 * g.size * x.shape[1]]


def test_blocks_are_of_the_channels_of_both_sides(rng, monkeypatch):
    x, w, g = (rng.standard_normal(shape) for shape in [(2, 3, 5, 6), (4, 3, 3, 3), (2, 4, 3, 4)])
    geometry, asked, original = geometry_of("test", (5, 6), (3, 3), 1, 0, 1), [], winograd.Blocks.of
    monkeypatch.setattr(winograd.Blocks, "of", lambda *args: asked.append(args) or original(*args))
    winograd.correlate(x, w, geometry)
    winograd.kernel_gradient(g, x, geometry)
    assert asked == [(2, geometry, 3 + 4)] * 2


@given(st.integers(0, 9), st.tuples(st.integers(1, 40), st.integers(1, 40)), st.integers(1, 9),
       st.sampled_from([1, 40, 300, 5000]))
@example(3, (12, 2), 2, 4)                                      # three rows of tiles a strip, four would fit
@example(3, (12, 2), 2, 3)                                      # three fit exactly
@example(1, (10, 2), 3, 2)                                      # of four strips of two rows, one would lie below
def test_a_block_is_as_large_as_may_be_and_no_larger(batch, windows, channels, block):
    """Tiles × channels: up to BLOCK of several images, up to twice that of one, else a strip of it;
    at least a row of tiles."""
    down, row = -(-windows[0] // 2), -(-windows[1] // 2) * channels
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "BLOCK", block)
        blocks = winograd.Blocks.of(batch, geometry_of("test", windows, (3, 3), 1, 1, 1), channels)
    assert (blocks.batch, blocks.columns * channels) == (batch, row)
    assert (blocks.strips - 1) * blocks.rows < down <= blocks.strips * blocks.rows  # no strip has nothing to do
    assert blocks.rows == 1 or blocks.rows * row <= 2 * block
    assert blocks.strips == 1 or -(-down // (blocks.strips - 1)) * row > 2 * block  # fewer would be too large
    assert (blocks.rows - 1) * blocks.strips < down                                 # and none is larger than need be
    if batch:
        images = -(-batch // blocks.groups)
        assert images == 1 or images * blocks.rows * row <= block
        assert blocks.groups == 1 or -(-batch // (blocks.groups - 1)) * blocks.rows * row > block


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1), (0, 2, 1, 3), (3, 2, 1, 0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pixels_are_copied_in_the_order_they_have(order, dtype):
    """By channels or by columns, whichever are neighbours;
    then the channels of a pixel are in different lines of the cache."""
    x = np.zeros([(2, 4, 6, 8)[k] for k in order], dtype).transpose(np.argsort(order))
    padded = winograd.Pixels(x, 6, 8, np.empty).padded
    assert padded.shape == x.shape
    if order.index(1) > order.index(3):
        assert padded.strides[1] == x.itemsize
    else:
        assert padded.strides[3] == x.itemsize and padded.strides[1] == 6 * 8 * x.itemsize + 64


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_a_block_works_in_is_as_large_as_need_be_and_of_the_dtype_of_what_it_sees(dtype):
    """Two pixels more each way than the tiles' own; matrices that BLAS reads row by row."""
    x, blocks = np.zeros((2, 3, 9, 9), dtype), winograd.Blocks(2, 1, 1, 4, 5)
    seen, painted = winograd._Seen(x, blocks, np.empty), winograd._Painted(x, blocks, np.empty)
    responses = winograd._Responses(2, blocks, 3, dtype, np.empty)
    assert (seen.x.padded.shape, seen.d.shape, seen.v.shape) == ((2, 3, 10, 12), (2, 10, 4, 5, 3), (16, 40, 3))
    assert (painted.g.padded.shape, painted.y.shape, painted.m.shape) == (
        (2, 3, 8, 10), (2, 4, 2, 2, 5, 3), (16, 40, 3))
    assert (responses.m.shape, responses.y.shape) == ((16, 40, 3), (2, 4, 2, 2, 5, 3))
    for matrix in (seen.BT, painted.AA, responses.AAT):
        assert matrix.dtype == dtype and matrix.flags.c_contiguous


@given(problems())
def test_conv2d_has_the_same_gradients(problem):
    x, w, bias, g, geometry = problem
    padding = geometry.before if geometry.padded[0] - x.shape[2] == 2 * geometry.before[0] else "same"
    arrays = [x, w] if bias is None else [x, w, bias]

    def results():
        tensors = [tm.tensor(a, requires_grad=True) for a in arrays]
        y = F.conv2d(*tensors, padding=padding)
        return [y, *tm.grad(y, tensors, g)]

    expected = results()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "pays", whenever_possible)
        for ours, theirs in zip(results(), expected, strict=True):
            np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-12, atol=1e-11)


def test_its_gradients_are_derivatives_to_second_order(rng, monkeypatch):
    monkeypatch.setattr(winograd, "pays", whenever_possible)
    inputs = [rng.standard_normal(shape) for shape in [(2, 2, 5, 4), (3, 2, 3, 3), (3,)]]
    f = lambda x, w, b: F.conv2d(x, w, b, padding=1)    # noqa: E731
    assert gradcheck(f, inputs, rng) and gradgradcheck(f, inputs, rng)


def test_a_transposed_convolution_takes_it_both_ways(rng, monkeypatch):
    arrays = [rng.standard_normal(shape) for shape in [(2, 3, 5, 6), (3, 2, 3, 3)]]
    g = rng.standard_normal((2, 2, 5, 6))

    def results():
        tensors = [tm.tensor(a, requires_grad=True) for a in arrays]
        y = F.conv_transpose2d(*tensors, padding=1)
        return [y, *tm.grad(y, tensors, g)]

    expected = results()
    monkeypatch.setattr(winograd, "pays", whenever_possible)
    for ours, theirs in zip(results(), expected, strict=True):
        np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("channels, out", [(16, 16), (16, 32), (32, 64), (128, 64)])
def test_in_float32_it_errs_like_the_columns(rng, channels, out):
    """Relative to the size of all results: below 1e-6, eight units in the last place."""
    x, w = rng.standard_normal((3, channels, 12, 9)), rng.standard_normal((out, channels, 3, 3))
    geometry = geometry_of("test", x.shape[2:], (3, 3), 1, 1, 1)
    g = rng.standard_normal((3, out, 12, 9))
    x32, w32, g32 = (a.astype(np.float32) for a in (x, w, g))
    x, w, g = (a.astype(np.float64) for a in (x32, w32, g32))
    assert winograd.pays(geometry, 1, channels, out)
    for fast, true in [(F.conv2d(x32, w32, padding=1), F.conv2d(x, w, padding=1)),
                       (columns.spread(g32, w32, geometry, 1), columns.spread(g, w, geometry, 1)),
                       (columns.kernel_gradient(g32, x32, geometry, 1), columns.kernel_gradient(g, x, geometry, 1))]:
        assert fast.dtype == np.float32
        assert np.sqrt(np.mean((fast - true)**2) / np.mean(true**2)) < 1e-6


def test_more_threads_and_fewer_compute_the_same_and_again_the_same_bits(two_threads, rng, monkeypatch):
    pytest.importorskip("threadpoolctl", reason="extra `threads`")
    monkeypatch.setattr(threads, "ENOUGH", 0)
    monkeypatch.setattr(winograd, "BLOCK", 512)
    x, w, g = (rng.standard_normal(shape).astype(np.float32)
               for shape in [(7, 32, 8, 9), (48, 32, 3, 3), (7, 48, 8, 9)])
    geometry = geometry_of("test", (8, 9), (3, 3), 1, 1, 1)

    def results():
        return winograd.correlate(x, w, geometry), winograd.kernel_gradient(g, x, geometry)

    parallel, again = results(), results()
    monkeypatch.setattr(threads, "_blas", lambda: None)
    for a, b, alone in zip(parallel, again, results(), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, alone, rtol=1e-4, atol=1e-3)


def test_it_is_not_chosen_where_the_formula_is_another():
    def pays(kernel=(3, 3), stride=1, dilation=1, groups=1, channels=64, out=64, sides=(16, 16)):
        return winograd.pays(geometry_of("test", sides, kernel, stride, 1, dilation), groups, channels, out)

    assert pays() and pays(channels=16, out=16, sides=(4, 4))
    assert not any([pays(channels=15), pays(out=15), pays(sides=(3, 5))])
    assert not any([pays(kernel=(3, 1)), pays(kernel=(5, 5)), pays(stride=2), pays(dilation=2), pays(groups=2),
                    pays(channels=3)])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("where", ["image", "cotangent", "kernel", "nowhere"])
def test_what_is_not_finite_reaches_its_own_windows_only(bad, dtype, where):
    """The response and both gradients are not finite where those of columns are not, and equal elsewhere."""
    rng = np.random.default_rng(0)
    arrays = {name: rng.standard_normal(shape).astype(dtype) for name, shape in
              (("image", (2, 16, 7, 6)), ("kernel", (16, 16, 3, 3)), ("cotangent", (2, 16, 7, 6)))}
    if where != "nowhere":
        arrays[where][1, 3, 1, 2] = bad
    found = []
    for way in (winograd.pays, lambda *_: False):
        with pytest.MonkeyPatch.context() as patch, np.errstate(invalid="ignore"):
            patch.setattr(winograd, "pays", way)
            x, w = (tm.tensor(arrays[name], requires_grad=True) for name in ("image", "kernel"))
            y = tm.functional.conv2d(x, w, padding=1)
            y.backward(arrays["cotangent"])
            found.append([y.data, x.grad, w.grad])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
        assert where == "kernel" or np.isfinite(b).any()
