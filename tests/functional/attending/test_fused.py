"""The fused form is the explicit one, whatever the pieces;
heads in pieces that fit the cache, these shared out to threads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.functional.attending import fused

from .forms import is_the_explicit_form, problems, small_tiles


@given(problems(), st.integers(0, 2**32 - 1))
def test_it_is_the_explicit_form(problem, seed):
    is_the_explicit_form(F.fused_attention, problem, seed)


@pytest.mark.parametrize("leading, T, S, pieces",
                         [((1, 2, 8), 4, 5, [(6, 4, 5), (2, 4, 5)] * 2), ((9,), 1, 1, [(9, 1, 1)]),
                          ((150,), 1, 1, [(124, 1, 1), (26, 1, 1)]), ((2,), 0, 5, []),
                          ((2,), 30, 5, [(1, 24, 5), (1, 6, 5)] * 2), ((), 3, 125, [(1, 125)] * 3)])
def test_heads_share_the_cache_and_a_long_one_comes_in_stretches(leading, T, S, pieces, monkeypatch):
    monkeypatch.setattr(fused, "CACHE", 6 * 4 * 5 + 4)
    shapes, e = [], np.empty((*leading, T, S))
    fused._in_parallel(lambda i, stretches: shapes.extend(e[at].shape for at, _ in fused._places(
        i, stretches, S, is_causal=False)), leading, T, S, 1)
    assert shapes == pieces


@given(st.integers(0, 5), st.integers(0, 5))
def test_every_share_does_its_own_pieces(first, second):
    first, second = sorted((first, second))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fused, "CACHE", 0)
        patch.setattr(fused, "parallel_for", lambda n, body, work: [body(first, second)])
        done = []
        fused._in_parallel(lambda i, stretches: done.append(i[0].start), (5,), 2, 3, 1)
    assert done == list(range(first, second))


@given(problems(), st.integers(0, 2**32 - 1))
def test_kept_or_not_the_result_is_the_same(problem, seed):
    arrays, options, sizes = problem
    with small_tiles(**sizes):
        np.testing.assert_array_equal(F.fused_attention(*arrays, **options, keep=False),
                                      F.fused_attention(*arrays, **options))


def test_without_what_was_kept_there_is_no_gradient():
    x = tm.tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises(ValueError, match="fused_attention: a gradient needs the exponentials; got keep=False"):
        F.fused_attention(x, x, x, keep=False).sum().backward()


def test_threads_are_told_of_the_products(monkeypatch, rng):
    works = []
    monkeypatch.setattr(fused, "parallel_for", lambda n, body, work: (works.append(work), body(0, n)))
    query, key, value = (tm.tensor(rng.standard_normal((2, 3, n, 7)), requires_grad=True) for n in (4, 5, 5))
    F.fused_attention(query, key, value).sum().backward()
    assert works == [2 * 7 * (2 * 3 * 4 * 5), 4 * 7 * (2 * 3 * 4 * 5)]      # Q Kᵀ, P V; Ȳ Vᵀ, Pᵀ Ȳ, S̄ K, S̄ᵀ Q
