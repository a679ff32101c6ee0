"""What the forms share: heads in pieces and without copies, masks given out and _cropped,
exponentials of scores that are tame."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.cores import threads
from tinymm.functional.attending import heads
from tinymm.functional.attending.heads import Mask, are_tame, _cropped, exponentiate, factor, _longest, pieces, stacked
from tinymm.functional.attending.powers import TWO, E


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_a_tile_is_cropped_to_what_is_seen(n, m, seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((n, m)) < rng.choice((0.2, 0.9, 1.0))
    found = _cropped(slice(10, 10 + n), slice(20, 20 + m), mask)
    if not mask.any():
        assert found is None
        return
    rows, keys, inner = found
    assert (inner is None) == mask.all()                                                # or it is not needed
    if inner is None:
        assert (rows, keys) == (slice(10, 10 + n), slice(20, 20 + m))
        return
    np.testing.assert_array_equal(inner, mask[rows.start - 10:rows.stop - 10, keys.start - 20:keys.stop - 20])
    assert inner.sum() == mask.sum() and all(edge.any() for edge in (inner[0], inner[-1], inner[:, 0], inner[:, -1]))


@given(st.lists(st.integers(0, 5), max_size=3).map(tuple), st.integers(-1, 7))
def test_pieces_are_disjoint_small_and_all(leading, size):
    seen = np.zeros(leading, int)
    for index in pieces(leading, size):
        assert seen[index].size <= max(size, 1)
        seen[index] += 1
    assert (seen == 1).all()


@given(st.floats(0.1, 10), st.integers(0, 2**32 - 1), st.sampled_from((None, 0.3, -2.0)))
def test_tame_scores_are_small(size, seed, scale):
    rng = np.random.default_rng(seed)
    query, key = rng.standard_normal((2, 3, 5, 4)) * size
    scores = F.attention_scores(query, key, scale)
    if are_tame(query, key, scale, None):
        assert np.abs(scores).max() <= heads.TAME
    assert are_tame(query, query, 1.0, None) == ((query**2).sum(-1).max() <= heads.TAME)
    assert not are_tame(query, key, scale, np.zeros(5)) and are_tame(0 * query, key, scale, np.ones(5, bool))
    assert 10 < heads.TAME < 40                                                 # e^40 · 2^24 keys still fits float32


@pytest.mark.parametrize("base", [E, TWO])
@pytest.mark.parametrize("lower", [None, lambda e: e.max(-1, keepdims=True)])
def test_exponentials_hide_the_first_rows(lower, base, rng):
    e, mask = rng.standard_normal((2, 4, 3)), np.array([[True, False, True], [True, True, False]])
    expected = np.exp(e)
    expected[:, :2] *= mask
    if lower is not None:
        expected /= np.where(expected > 0, expected, 0).max(-1, keepdims=True)
    e /= base.ln
    exponentiate(e, mask, lower, base)
    np.testing.assert_allclose(e, expected)


def test_what_blas_can_read_is_not_copied():
    x = np.ones((2, 5, 3, 4))
    assert np.shares_memory(stacked(x.transpose(0, 2, 1, 3), (2, 3), float), x)     # heads beside each other
    assert np.shares_memory(stacked(x[0, 0], (7,), float), x) and stacked(x[0, 0], (7,), float).shape == (7, 3, 4)
    assert np.shares_memory(stacked(x[:, ::2], (2, 3), float), x)                   # rows that touch, heads that do not
    # rows overlap by one
    windows = np.lib.stride_tricks.sliding_window_view(np.arange(20.0).reshape(2, 10), 4, 1)[:, ::3]
    assert not np.shares_memory(stacked(windows, (2,), float), windows)
    for unreadable in (x.mT, x[..., ::-1], x[..., ::-1, :], np.broadcast_to(x[..., :1, :], x.shape)):
        assert not np.shares_memory(stacked(unreadable, (2, 5), float), x)


def test_each_head_is_a_matrix(rng):
    x = rng.standard_normal((1, 3, 4))
    found = heads.heads(x, (2, 5), float)
    assert len(found) == 10 and all(np.array_equal(a, x[0]) for a in found)


def test_the_scale_is_a_python_number():
    assert factor(np.ones((2, 4)), None) == 0.5 and type(factor(np.ones(4), np.float64(2.0))) is float


def test_leading_axes_are_those_of_all():
    q, k, v, mask = (np.ones(shape) for shape in ((2, 1, 5, 3), (4, 6, 3), (6, 2), (7, 1, 1, 5, 6)))
    assert heads.checked("x", q, k, v, None, False) == (2, 4) and heads.checked("x", q, k, v, mask, False) == (7, 2, 4)
    with pytest.raises(ValueError, match=r"x: the leading axes must broadcast; .*\(6, 2\), with a mask \(3, 5, 6\)"):
        heads.checked("x", q, k, v, mask[:1, 0].repeat(3, 0)[:, 0], False)


def test_tame_up_to_the_bound():
    one = np.ones((1, 1))
    assert are_tame(one, one, heads.TAME, None) and not are_tame(one, one, math.nextafter(heads.TAME, math.inf), None)
    for dtype, tame in ((np.float16, False), (np.float32, True), (int, True)):
        assert are_tame(one.astype(dtype), one.astype(dtype), None, None) == tame
    with np.errstate(over="raise"):
        assert _longest(np.full((2, 3), 1e200)) == math.inf


spans = st.tuples(st.integers(0, 8), st.integers(1, 5)).map(lambda span: slice(span[0], sum(span)))


@given(spans, spans)
@example(slice(2, 4), slice(1, 5))                                                      # queries that begin within
@example(slice(0, 2), slice(1, 6))                                                      # keys beyond the last query
def test_a_causal_tile_is_that_part_of_the_triangle(rows, keys):
    assume(keys.start < rows.stop)                                                      # or it is never asked for
    seeing, seen, mask = Mask(None, True, ()).tile(0, rows, keys)
    whole = np.tri(13, dtype=bool)
    some = np.ones((seeing.stop - seeing.start, seen.stop - seen.start), bool)
    if mask is not None:
        assert mask.dtype == bool and not mask.all() and mask.any(1).all()  # or it, or a row, would not be needed
        some[:len(mask)] = mask
    assert rows.start <= seeing.start and not whole[rows.start:seeing.start, keys].any() \
        and (seeing.stop, seen) == (rows.stop, keys)
    np.testing.assert_array_equal(some, whole[seeing, seen])


@given(st.data(), st.integers(1, 4), st.integers(1, 4), st.booleans(), st.integers(0, 2**32 - 1))
def test_a_tile_of_a_mask_is_that_part_of_it(data, T, S, floating, seed):
    rows, keys = (data.draw(st.tuples(st.integers(0, n - 1), st.integers(1, n))
                            .map(lambda a: slice(a[0], max(a[0] + 1, a[1])))) for n in (T, S))
    drawn = np.random.default_rng(seed).standard_normal(
        data.draw(st.sampled_from(((T, S), (1, S), (T, 1), (S,), (1,), ()))))
    whole = np.broadcast_to(drawn if floating else drawn > 0, (T, S))
    found = Mask(drawn if floating else drawn > 0, False, ()).tile(0, rows, keys)
    if floating:
        assert found[:2] == (rows, keys)
        np.testing.assert_array_equal(found[2], whole[rows, keys])
        return
    seen = np.zeros((T, S), bool)
    if found is not None:
        seen[found[0], found[1]] = True if found[2] is None else found[2]
    expected = np.zeros((T, S), bool)
    expected[rows, keys] = whole[rows, keys]
    np.testing.assert_array_equal(seen, expected)
    assert found is None or expected[found[0].start, keys].any() and expected[found[0].stop - 1, keys].any()


@given(spans, spans)
def test_without_a_mask_a_tile_is_whole(rows, keys):
    assert Mask(None, False, (3,)).tile(2, rows, keys) == (rows, keys, None)


def test_masks_know_whose_they_are():
    masks = np.arange(4).reshape(2, 1, 2, 1) / 1.0
    mask = Mask(masks, False, (2, 3))
    for head in range(6):
        rows, keys, found = mask.tile(head, slice(0, 2), slice(1, 3))
        np.testing.assert_array_equal(found, np.repeat(masks[head // 3, 0], 2, 1))
        assert (rows, keys) == (slice(0, 2), slice(1, 3))


@pytest.mark.parametrize("f", [F.fused_attention, F.tiled_attention])
@pytest.mark.parametrize("is_causal", [False, True])
def test_without_threadpoolctl_it_is_the_same(two_threads, f, is_causal, monkeypatch, rng):
    monkeypatch.setattr(threads, "ENOUGH", 0)
    query, key, value, g = (rng.standard_normal((2, 3, 400, 16)) for _ in range(4))

    def run():
        inputs = [tm.tensor(a, requires_grad=True) for a in (query, key, value)]
        y = f(*inputs, is_causal=is_causal)
        return [y.data, *(d.data for d in tm.grad(y, inputs, g))]

    expected = run()
    monkeypatch.setattr(threads, "_blas", lambda: None)
    for a, b in zip(run(), expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
