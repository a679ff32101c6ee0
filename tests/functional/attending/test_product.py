"""Explicit, fused and tiled attention are one function: second derivatives, float32, large scores, memory;
which is chosen when."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
import tinymm.testing.specs  # noqa: F401  (fills SPECS)
from tinymm.cores import give_back
from tinymm.functional.attending import fused, heads, powers, product, tiles
from tinymm.testing.ladder import _climb

from .forms import problems, small_tiles, value_and_gradients

FORMS = [F.explicit_attention, F.fused_attention, F.tiled_attention]


@given(problems(), st.integers(0, 2**32 - 1))
def test_second_derivatives_agree_too(problem, seed):
    arrays, options, sizes = problem
    rng = np.random.default_rng(seed)
    g = rng.standard_normal(F.explicit_attention(*arrays, **options).shape)
    directions = [rng.standard_normal(a.shape) for a in arrays]

    def second(f):
        inputs = [tm.tensor(a, requires_grad=True) for a in arrays]
        first = tm.grad(f(*inputs, **options), inputs, g, create_graph=True)
        along = sum((d * u).sum() for d, u in zip(first, directions))
        return [d.data for d in tm.grad(along, inputs)]

    with small_tiles(**sizes):
        expected, *others = map(second, FORMS)
    for found in others:
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


@given(problems(), st.integers(0, 2**32 - 1))
def test_float32_stays_float32_and_near(problem, seed):
    """Scores of size s carry an error of ε s, which the exponential makes relative: all else is sums of n ≤ 7 terms."""
    arrays, options, sizes = problem
    g = np.random.default_rng(seed).standard_normal(F.explicit_attention(*arrays, **options).shape)
    truth = value_and_gradients(F.explicit_attention, arrays, g, **options)
    narrow = [a.astype(np.float32) for a in arrays]
    bound = 200 * np.finfo(np.float32).eps
    with small_tiles(**sizes):
        for f in FORMS:
            for a, b in zip(value_and_gradients(f, narrow, g, **options), truth, strict=True):
                assert a.dtype == np.float32
                assert np.abs(a - b).max(initial=0) <= bound * max(np.abs(b).max(initial=0), np.abs(g).max(), 1) * 8


@given(st.integers(1, 3), st.integers(1, 3), st.sampled_from(("none", "causal", "boolean", "trained")),
       st.integers(0, 2**32 - 1))
def test_grouped_queries_in_every_form(served, group, kind, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal((2, heads, n, 3)) for heads, n in ((served * group, 5), (served, 4), (served, 4))]
    options = dict(is_causal=kind == "causal", enable_gqa=True)
    mask = {"boolean": rng.random((served * group, 5, 4)) < 0.6, "trained": rng.standard_normal((1, 5, 4))}.get(kind)

    def run(f):
        inputs = [tm.tensor(a, requires_grad=True) for a in (*arrays, *([mask] if kind == "trained" else []))]
        y = f(*inputs, **options) if kind == "trained" else f(*inputs, mask, **options)
        return [y.data, *(d.data for d in tm.grad(y, inputs, np.cos(np.arange(y.data.size)).reshape(y.shape)))]

    expected = run(lambda *args, **kwargs: F.attention(*args, **kwargs)[0])
    for large in (0, math.inf):
        with pytest.MonkeyPatch.context() as patch, small_tiles(2, 3), F.attention_memory(0):
            patch.setattr(product, "LARGE", large)
            for a, b in zip(run(F.scaled_dot_product_attention), expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@given(st.sampled_from(("none", "causal", "boolean")), st.sampled_from((None, 0.3)), st.booleans(),
       st.integers(0, 2**32 - 1))
def test_where_weights_are_dropped_it_is_the_steps(kind, scale, enable_gqa, seed):
    rng = np.random.default_rng(seed)
    readers = 2 if enable_gqa else 4
    arrays = [rng.standard_normal(s) for s in ((2, 4, 5, 3), (2, readers, 6, 3), (2, readers, 6, 2))]
    options = dict(attn_mask=rng.random((5, 6)) < 0.7 if kind == "boolean" else None, dropout_p=0.4,
                   is_causal=kind == "causal", scale=scale, enable_gqa=enable_gqa)
    found = F.scaled_dot_product_attention(*arrays, **options, rng=np.random.default_rng(seed))
    np.testing.assert_array_equal(found, F.attention(*arrays, **options, rng=np.random.default_rng(seed))[0])


@pytest.mark.parametrize("k, tame", [(0, heads.TAME), (0, -1.0), (1, -1.0)])
def test_the_ladder_over_several_tiles(k, tame):
    with small_tiles(1, 1, tame):  # the larger of the two calls has two queries and two keys
        outcomes = _climb(tm.testing.SPECS["tiled_attention"][k], 2)
    failed = "\n\n".join(f"{rung}: {outcome.message}"
                         for rung, outcome in outcomes.items() if outcome.status == "failed")
    assert not failed, failed


def test_the_form_follows_the_size_the_mask_the_memory_and_the_processor(rng, monkeypatch):
    def form(T, S=128, mask=None, **options):
        query, key, value = (tm.tensor(rng.standard_normal((3, n, 2)), requires_grad=True) for n in (T, S, S))
        return F.scaled_dot_product_attention(query, key, value, mask, **options)._node.op.name

    side = math.isqrt(product.LARGE)
    bias, size = np.zeros((side, side)), 3 * side * side * 8
    monkeypatch.setattr(product, "base_for", lambda dtype: powers.TWO)   # exponentials are made twice as fast as kept
    assert form(side, side) == "tiled_attention" != form(side - 1, side)
    monkeypatch.setattr(product, "base_for", lambda dtype: powers.E)
    assert form(side, side) == "fused_attention"
    assert form(side, side, bias) == "tiled_attention" != form(side - 1, side, bias[1:])
    for limit, name in ((0, "tiled_attention"), (size - 1, "tiled_attention"), (size, "fused_attention")):
        with F.attention_memory(limit):
            assert form(side, side) == form(side, side, is_causal=True) == name
            assert form(side - 1, side) == "fused_attention"
            assert form(side, side, tm.tensor(bias, requires_grad=True)) == "fused_attention"
    assert form(4, 4, dropout_p=0.5, rng=rng) == "weighted_sum"
    mask = tm.tensor(np.zeros((2, 2)), requires_grad=True)
    with pytest.raises(ValueError, match="not differentiable"):
        F.tiled_attention(*[np.ones((2, 3))] * 3, mask).sum().backward()


@pytest.mark.parametrize("limit", [-1, math.nan, "256 MB", None])
def test_a_memory_that_is_none_is_refused(limit):
    with pytest.raises(ValueError, match=f"attention_memory: .* must be a number of bytes, 0 or more; got {limit!r}"):
        with F.attention_memory(limit):
            pass


def test_without_a_gradient_nothing_large_is_kept(rng):
    query, key, value = (tm.tensor(rng.standard_normal((8, 512, 16)).astype(np.float32)) for _ in range(3))
    trained = tm.tensor(query.data, requires_grad=True)

    def peak(query):
        give_back()
        tracemalloc.start()
        y = F.scaled_dot_product_attention(query, key, value)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most, y.data

    with tm.no_grad():
        silent, expected = peak(trained)
    scores = 8 * 512 * 512 * 4
    for (most, y), large in ((peak(trained), True), (peak(query), False), ((silent, expected), False)):
        assert (most > scores) == large
        np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("N", [1, 3])
def test_threads_share_rows_and_heads_and_repeat_to_the_bit(two_threads, is_causal, N):
    pytest.importorskip("threadpoolctl", reason="extra `threads`")
    rng = np.random.default_rng(0)
    query, key, value, g = (rng.standard_normal((N, 700, 16)).astype(np.float32) for _ in range(4))
    with small_tiles(128, 64):
        first, again = (value_and_gradients(F.tiled_attention, (query, key, value), g, is_causal=is_causal)
                        for _ in range(2))
    for a, b, c in zip(first, again,
                       value_and_gradients(F.fused_attention, (query, key, value), g, is_causal=is_causal)):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, c, atol=1e-4)


@pytest.mark.parametrize("f", [F.fused_attention, F.tiled_attention])
@pytest.mark.parametrize("size", [1e2, 1e6, 1e30])
def test_huge_scores_choose_one_key_and_pass_its_gradient(f, size):
    rng = np.random.default_rng(0)
    query, key, value, g = (rng.standard_normal((2, 40, 8)).astype(np.float32) for _ in range(4))
    with small_tiles(16, 16):
        y, *_, dv = found = value_and_gradients(f, (size * 1e3 * query, key, value), g)
    assert all(np.isfinite(a).all() for a in found)
    best = np.argmax(query @ key.mT, -1)[..., None]
    np.testing.assert_allclose(y, np.take_along_axis(value, best, 1), atol=1e-5)
    np.testing.assert_allclose(dv, (best == np.arange(40)).astype(np.float32).mT @ g, atol=1e-5)


def peak_memory(T):
    inputs = [tm.tensor(np.random.default_rng(i).standard_normal((1, T, 16)).astype(np.float32), requires_grad=True)
              for i in range(3)]
    tracemalloc.start()
    F.scaled_dot_product_attention(*inputs).backward(np.ones((1, T, 16), np.float32))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_memory_grows_with_the_length_not_with_its_square(monkeypatch):
    monkeypatch.setattr(tiles, "ROWS", 256)                     # so that tiles do not hide the growth
    with F.attention_memory(0):
        small, large = peak_memory(2048), peak_memory(8192)
    assert large < 8192 * 8192 * 4 / 10
    assert large < 5 * small


@pytest.mark.parametrize("f", [*FORMS, F.scaled_dot_product_attention])
def test_what_does_not_fit_is_told(f):
    x = np.ones((2, 3, 4))
    with pytest.raises(ValueError, match=r"share the last dimension; got \(2, 3, 4\) and \(2, 3, 2\)"):
        f(x, x[..., :2], x)
    with pytest.raises(ValueError, match="a value for each key"):
        f(x, x, x[:, :2])
    with pytest.raises(ValueError, match="is_causal makes the mask itself"):
        f(x, x, x, np.ones((3, 3), bool), is_causal=True)
    with pytest.raises(ValueError, match="boolean .* or floating; got int64"):
        f(x, x, x, np.ones((3, 3), np.int64))
    with pytest.raises(ValueError, match=r"broadcast to \(..., 3, 3\); got \(3, 2\)"):
        f(x, x, x, np.ones((3, 2), bool))
    with pytest.raises(ValueError, match=r"broadcast to \(..., 1, 3\); got \(5, 3\)"):
        f(x[:, :1], x, x, np.ones((5, 3), bool))
    with pytest.raises(ValueError, match="boolean .* or floating; got list"):
        f(x, x, x, [[True] * 3] * 3)
    with pytest.raises(ValueError, match=r"must be \(..., T, D\), .*; got \(4,\), \(2, 3, 4\) and \(2, 3, 4\)"):
        f(x[0, 0], x, x)
    with pytest.raises(ValueError, match=r"leading axes must broadcast; got .* with a mask \(3, 1, 3\)"):
        f(x, x, x, np.ones((3, 1, 3), bool))


@pytest.mark.parametrize("query, key, mask, message", [
    ((3, 4), (3, 4), None, r"grouped queries need an axis of heads, .*; got \(3, 4\)"),
    ((4, 3, 4), (0, 3, 4), None, "equal in number and divide the query's"),
    ((4, 3, 4), (3, 3, 4), None, "equal in number and divide the query's"),
    ((4, 3, 4), (2, 3, 4), (2, 3, 3), r"the mask must have one head, or the query's 4; got \(2, 3, 3\)")])
def test_groups_that_do_not_fit_are_told(query, key, mask, message):
    key = np.ones(key)
    with pytest.raises(ValueError, match=message):
        F.scaled_dot_product_attention(np.ones(query), key, key, mask and np.ones(mask, bool), enable_gqa=True)


@pytest.mark.parametrize("f", FORMS)
@pytest.mark.parametrize("shapes", [((2, 0, 3), (2, 4, 3)), ((2, 4, 3), (2, 0, 3)), ((0, 4, 3), (0, 4, 3)),
                                    ((2, 4, 3), (2, 4, 0))])
def test_empty_axes(f, shapes):
    (*lead, T, D), S = shapes[0], shapes[1][1]
    arrays = np.ones((*lead, T, D)), np.ones((*lead, S, D)), np.ones((*lead, S, shapes[1][2]))
    for mask in (None, np.ones((T, S), bool), np.ones((*lead, 1, S), bool), np.zeros((T, S))):
        y, *_ = found = value_and_gradients(f, arrays, np.ones((*lead, T, shapes[1][2])), attn_mask=mask)
        assert (y == (S > 0)).all() and [a.shape for a in found[1:]] == [a.shape for a in arrays]


@pytest.mark.parametrize("f", FORMS)
@pytest.mark.parametrize("dtype", [int, bool])
def test_whole_numbers_become_float64(f, dtype, rng):
    arrays = [rng.integers(0, 2, (3, 4)).astype(dtype) for _ in range(3)]
    found = f(*arrays)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, f(*(a.astype(float) for a in arrays)), rtol=1e-13)


@given(problems(), st.integers(0, 2**32 - 1))
def test_float16_overflows_in_no_form(problem, seed):
    """Scores of up to some 25, whose exponentials float16 does not hold; scores carry 25 times an error of 2⁻¹¹."""
    arrays, options, sizes = problem
    arrays = [(a * (3, 3, 1)[k]).astype(np.float16) for k, a in enumerate(arrays)]
    g = np.random.default_rng(seed).standard_normal(F.explicit_attention(*arrays, **options).shape).astype(np.float16)
    options["scale"], sizes["tame"] = 0.4, heads.TAME
    truth, *_ = value_and_gradients(F.explicit_attention, [a.astype(float) for a in arrays], g, **options)
    with small_tiles(**sizes):
        for f in FORMS:
            y, *gradients = value_and_gradients(f, arrays, g, **options)
            assert y.dtype == np.float16 and all(np.isfinite(d).all() for d in gradients)
            np.testing.assert_allclose(y, truth, atol=0.25)


@pytest.mark.parametrize("large", [0, math.inf])
def test_grouped_queries_whose_batches_broadcast(large, monkeypatch, rng):
    monkeypatch.setattr(product, "LARGE", large)
    q, k, v = (rng.standard_normal(shape) for shape in ((1, 4, 5, 3), (6, 2, 7, 3), (6, 2, 7, 2)))
    expected, weights = F.grouped_query_attention(q, k, v)
    q = tm.tensor(q, requires_grad=True)
    with F.attention_memory(0):
        found = F.scaled_dot_product_attention(q, k, v, enable_gqa=True).data
    q = q.data
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(F.attention(q, k, v, enable_gqa=True)[1], weights, rtol=1e-12)


def test_sizes_fit_each_other():
    assert 2 * tiles.EDGE <= tiles.KEYS <= tiles.ROWS and tiles.ROWS * tiles.KEYS * 4 <= 2**21  # of a cache's megabytes
    assert 2**16 <= fused.CACHE <= 2**19 and 512**2 < product.LARGE <= 1024**2
