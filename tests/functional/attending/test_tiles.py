"""The tiled form is the explicit one, whatever the tiles:
every score in exactly one, nothing hidden computed that need not be, every part alike."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.functional.attending import tiles

from .forms import is_the_explicit_form, problems

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
    assert [cut(T, 1, N=N).parts
            for T, N in ((1, 1), (rows, 1), (rows + 1, 1), (99 * rows, 1), (99 * rows, 3), (99 * rows, 8))] == [
        1, 1, 2, tiles.SHARES, math.ceil(tiles.SHARES / 3), math.ceil(tiles.SHARES / 8)]
    assert cut(0, 1).parts == 1 and cut(99 * rows, 1, N=0).parts == tiles.SHARES        # of nothing


def test_a_boolean_mask_that_is_causal_or_padding_skips_tiles(monkeypatch):
    for name, size in dict(ROWS=2, KEYS=2, EDGE=2, SHARES=1).items():
        monkeypatch.setattr(tiles, name, size)
    made = {kind: list(cut(8, 8, mask, kind == "is_causal").tiles(0, 0)) for kind, mask in dict(
        is_causal=None, causal=np.tri(8, dtype=bool), padding=np.arange(8) < 3, nothing=np.zeros(8, bool)).items()}
    assert len(made["is_causal"]) == len(made["causal"]) == 4 * 5 / 2
    assert sum(mask is not None for _, _, mask in made["causal"]) == 4          # those on the diagonal
    assert [keys.stop for _, keys, _ in made["padding"]] == [2, 3] * 4 \
        and all(mask is None or mask.all() for *_, mask in made["padding"])
    assert made["nothing"] == []


@given(problems(), st.integers(0, 2**32 - 1))
def test_it_is_the_explicit_form(problem, seed):
    is_the_explicit_form(F.tiled_attention, problem, seed)


@pytest.mark.parametrize("is_causal", [False, True])
def test_threads_are_told_of_the_products(is_causal, monkeypatch, rng):
    works = []
    monkeypatch.setattr(tiles, "parallel_for", lambda n, body, work: (works.append((n, work)), body(0, n)))
    query, key, value = (tm.tensor(rng.standard_normal((2, 3, n, 7)), requires_grad=True) for n in (4, 5, 5))
    F.tiled_attention(query, key, value, is_causal=is_causal).sum().backward()
    product = 2 * 3 * 4 * 5 * 7 / (1 + is_causal)
    assert works == [(6, 2 * product), (6, 5 * product)]    # Q Kᵀ, P V; Q Kᵀ, Ȳ Vᵀ, Pᵀ Ȳ, S̄ K, S̄ᵀ Q


@pytest.mark.parametrize("wide", range(3))
def test_one_wide_input_makes_a_wide_result(wide):
    arrays = [np.ones((2, 3), np.float64 if k == wide else np.float32) for k in range(3)]
    assert F.tiled_attention(*arrays).dtype == np.float64


@pytest.mark.parametrize("large", [0, 1])
def test_queries_or_keys_that_are_large_overflow_nothing(large, rng):
    arrays = [rng.standard_normal((5, 4)) for _ in range(3)]
    arrays[large] *= 1e4
    np.testing.assert_allclose(F.tiled_attention(*arrays), F.explicit_attention(*arrays), atol=1e-9)
