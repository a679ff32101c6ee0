"""How work is cut: every score in exactly one tile, nothing hidden computed that need not be, every part alike."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.functional import threads
from tinymm.functional.attending import fused, heads, product, tiles
from tinymm.functional.attending.heads import Mask, are_tame, cropped, exponentials, pieces, stacked

lengths = st.integers(0, 12)


def cut(T, S, mask=None, is_causal=False, N=1):
    x = np.ones((N, T, 1))
    return tiles.Tiles(x, np.ones((N, S, 1)), np.ones((N, S, 1)), mask, is_causal, None, (N,))


@given(lengths, lengths, st.booleans(), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(1, 6))
def test_each_score_that_counts_is_in_one_tile(T, S, is_causal, rows, keys, edge, shares):
    with pytest.MonkeyPatch.context() as patch:
        for name, size in dict(ROWS=rows, KEYS=keys, EDGE=min(edge, keys), SHARES=shares).items():
            patch.setattr(tiles, name, size)
        work, found = cut(T, S, is_causal=is_causal), np.zeros((T, S), int)
        for part in range(work.parts):
            for i, j, mask in work.tiles(0, part):
                assert i.stop - i.start <= rows and j.stop - j.start <= keys
                some = np.ones((i.stop - i.start, j.stop - j.start), int)
                if mask is not None:
                    assert not mask.all() and mask.any(-1).all()        # or it would not be needed, or not so many rows
                    some[:len(mask)] = mask
                found[i, j] += some
    np.testing.assert_array_equal(found, np.tri(T, S) if is_causal else 1)


@given(st.integers(1, 4), st.integers(1, 4))
def test_every_part_has_the_same_to_do_under_a_causal_mask(parts, times):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "ROWS", 1)
        patch.setattr(tiles, "SHARES", parts)
        work = cut(2 * parts * times, 3, is_causal=True)
        shares = [sum(rows.stop for rows in work.rows(part)) for part in range(parts)]
    assert work.parts == parts and len(set(shares)) == 1


def test_there_are_parts_enough_for_threads_and_no_more():
    rows = tiles.ROWS
    assert [cut(T, 1, N=N).parts for T, N in ((1, 1), (rows, 1), (rows + 1, 1), (99 * rows, 1), (99 * rows, 3), (99 * rows, 8))] == [
        1, 1, 2, tiles.SHARES, math.ceil(tiles.SHARES / 3), math.ceil(tiles.SHARES / 8)]


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_a_tile_is_cropped_to_what_is_seen(n, m, seed):
    mask = np.random.default_rng(seed).random((n, m)) < 0.2
    found = cropped(slice(10, 10 + n), slice(20, 20 + m), mask)
    if not mask.any():
        assert found is None
        return
    rows, keys, inner = found
    if inner is None:
        assert mask.all() and (rows, keys) == (slice(10, 10 + n), slice(20, 20 + m))
        return
    np.testing.assert_array_equal(inner, mask[rows.start - 10:rows.stop - 10, keys.start - 20:keys.stop - 20])
    assert inner.sum() == mask.sum() and all(edge.any() for edge in (inner[0], inner[-1], inner[:, 0], inner[:, -1]))


def test_a_boolean_mask_that_is_causal_or_padding_skips_tiles(monkeypatch):
    for name, size in dict(ROWS=2, KEYS=2, EDGE=2, SHARES=1).items():
        monkeypatch.setattr(tiles, name, size)
    made = {kind: list(cut(8, 8, mask, kind == "is_causal").tiles(0, 0)) for kind, mask in dict(
        is_causal=None, causal=np.tri(8, dtype=bool), padding=np.arange(8) < 3, nothing=np.zeros(8, bool)).items()}
    assert len(made["is_causal"]) == len(made["causal"]) == 4 * 5 / 2
    assert sum(mask is not None for _, _, mask in made["causal"]) == 4          # those on the diagonal
    assert [keys.stop for _, keys, _ in made["padding"]] == [2, 3] * 4 and all(mask is None or mask.all() for *_, mask in made["padding"])
    assert made["nothing"] == []


@given(st.lists(st.integers(0, 5), max_size=3).map(tuple), st.integers(-1, 7))
def test_pieces_are_disjoint_small_and_all(leading, size):
    seen = np.zeros(leading, int)
    for index in pieces(leading, size):
        assert seen[index].size <= max(size, 1)
        seen[index] += 1
    assert (seen == 1).all()


def test_heads_share_the_cache(monkeypatch):
    monkeypatch.setattr(fused, "CACHE", 6 * 4 * 5 + 4)
    shapes = []
    fused.in_parallel(lambda index, empty: shapes.append(e[index].shape), e := np.empty((2, 8, 4, 5)), 1)
    assert shapes == [(6, 4, 5), (2, 4, 5)] * 2


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


@pytest.mark.parametrize("lower", [None, lambda e: e.max(-1, keepdims=True)])
def test_exponentials_hide_the_first_rows(lower, rng):
    e, mask = rng.standard_normal((2, 4, 3)), np.array([[True, False, True], [True, True, False]])
    expected = np.exp(e)
    expected[:, :2] *= mask
    if lower is not None:
        expected /= np.where(expected > 0, expected, 0).max(-1, keepdims=True)
    exponentials(e, mask, lower)
    np.testing.assert_allclose(e, expected)


def test_what_blas_can_read_is_not_copied():
    x = np.ones((2, 5, 3, 4))
    assert np.shares_memory(stacked(x.transpose(0, 2, 1, 3), (2, 3), float), x)         # heads beside each other
    assert np.shares_memory(stacked(x[0, 0], (7,), float), x) and stacked(x[0, 0], (7,), float).shape == (7, 3, 4)
    for unreadable in (x.mT, x[..., ::-1], x[..., ::-1, :], np.broadcast_to(x[..., :1, :], x.shape)):
        assert not np.shares_memory(stacked(unreadable, (2, 5), float), x)


def test_masks_know_whose_they_are():
    masks = np.arange(4).reshape(2, 1, 2, 1) / 1.0
    mask = Mask(masks, False, (2, 3))
    for head in range(6):
        rows, keys, found = mask.tile(head, slice(0, 2), slice(1, 3))
        np.testing.assert_array_equal(found, np.repeat(masks[head // 3, 0], 2, 1))
        assert (rows, keys) == (slice(0, 2), slice(1, 3))


@pytest.mark.parametrize("f", [F.fused_attention, F.tiled_attention])
@pytest.mark.parametrize("is_causal", [False, True])
def test_without_threadpoolctl_it_is_the_same(f, is_causal, monkeypatch, rng):
    query, key, value, g = (rng.standard_normal((2, 3, 500, 16)) for _ in range(4))

    def run():
        inputs = [tm.tensor(a, requires_grad=True) for a in (query, key, value)]
        y = f(*inputs, is_causal=is_causal)
        return [y.data, *(d.data for d in tm.grad(y, inputs, g))]

    expected = run()
    monkeypatch.setattr(threads, "_blas", lambda: None)
    for a, b in zip(run(), expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_sizes_fit_each_other():
    assert 2 * tiles.EDGE <= tiles.KEYS <= tiles.ROWS and tiles.ROWS * tiles.KEYS * 4 <= 2**21    # of a cache's megabytes
    assert 2**16 <= fused.CACHE <= 2**19 and 512**2 < product.LARGE <= 1024**2
