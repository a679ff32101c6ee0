"""Ranks against sorting, recall's monotonicity, ties, several true candidates."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinymm.metrics import mean_rank, median_rank, recall_at_k, standing, target_ranks


@st.composite
def problems(draw):
    """A similarity matrix of few distinct values (so that ties occur) and boolean targets, one or more per query."""
    N, M = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    dtype, values = draw(st.sampled_from([
        (np.float32, [-np.inf, -1.0, 0.0, 0.5, np.inf]), (np.float64, [-2.0, 0.0, 3e300]),
        (np.int64, [-2**63, 0, 3, 2**63 - 1]), (np.uint8, [0, 1, 255]), (bool, [0, 1])]))
    similarity = draw(hnp.arrays(dtype, (N, M), elements=st.sampled_from(values)))
    positive = draw(hnp.arrays(bool, (N, M)))
    positive[np.arange(N), draw(hnp.arrays(np.int64, N, elements=st.integers(0, M - 1)))] = True
    return similarity, positive


def test_on_paper():
    similarity = np.array([[.9, .1, .3], [.8, .5, .6], [.4, .3, .2]])
    # True candidates on the diagonal: .9 is first; .5 is behind .8 and .6; .2 is last.
    assert target_ranks(similarity).tolist() == [1, 3, 3]
    assert [recall_at_k(similarity, k) for k in (1, 2, 3)] == pytest.approx([1 / 3, 1 / 3, 1])
    assert median_rank(similarity) == 3
    # Columns 1, 2, 0 instead: .1 is third; .6 is second; .4 is first.
    assert target_ranks(similarity, [1, 2, 0]).tolist() == [3, 2, 1]
    # Query 1 has two true candidates, 1 and 2: the better one, .6, has only .8 before it.
    positive = np.array([[True, False, False], [False, True, True], [False, False, True]])
    assert target_ranks(similarity, positive).tolist() == [1, 2, 3]


@given(problems())
def test_ranks_equal_a_walk_down_the_sorted_list(problem):
    similarity, positive = problem
    for scores, true, rank in zip(similarity, positive, target_ranks(similarity, positive)):
        # False candidates first among equals; true candidates met on the way do not count as being in front.
        order = sorted(range(len(scores)), key=lambda j: (-scores[j].item(), true[j]))
        first = next(position for position, j in enumerate(order) if true[j])
        assert rank == 1 + first


@given(problems())
def test_recall_is_monotone_in_k_and_complete_at_the_end(problem):
    similarity, positive = problem
    recalls = [recall_at_k(similarity, k, positive) for k in range(1, similarity.shape[1] + 1)]
    assert all(0 <= low <= high for low, high in zip(recalls, recalls[1:])) and recalls[-1] == 1.0


@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_the_gallery_does_not_matter(problem, random):
    similarity, positive = problem
    order = random.sample(range(similarity.shape[1]), similarity.shape[1])
    ranks = target_ranks(similarity[:, order], positive[:, order])
    np.testing.assert_array_equal(ranks, target_ranks(similarity, positive))


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 5))
def test_integer_targets_are_one_true_column_each(N, M, seed):
    rng = np.random.default_rng(seed)
    similarity, targets = rng.normal(size=(N, M)), rng.integers(M, size=N)
    one_hot = np.eye(M, dtype=bool)[targets]
    np.testing.assert_array_equal(target_ranks(similarity, targets), target_ranks(similarity, one_hot))


@given(problems())
def test_the_mean_rank_is_that_of_the_ranks(problem):
    similarity, positive = problem
    assert mean_rank(similarity, positive) == pytest.approx(target_ranks(similarity, positive).mean())


@given(problems())
def test_the_median_rank_is_that_of_the_ranks(problem):
    similarity, positive = problem
    assert median_rank(similarity, positive) == np.median(target_ranks(similarity, positive))


def test_a_model_without_opinion_ranks_last_not_first():
    assert recall_at_k(np.zeros((5, 5)), 4) == 0.0 and median_rank(np.zeros((5, 5))) == 5


# Ties in random order -----------------------------------------------------------------------------------------------

def ranks_of_all_orders(scores, true):
    """The rank of the first true candidate in every order of the gallery that is sorted by score."""
    n = range(len(scores))
    for order in permutations(n):
        if all(scores[a] >= scores[b] for a, b in zip(order, order[1:])):
            yield 1 + next(k for k, j in enumerate(order) if true[j])


@given(problems())
def test_expected_ranks_recalls_and_median_are_those_over_all_orders_of_equals(problem):
    similarity, positive = problem
    orders = [[*ranks_of_all_orders([s.item() for s in scores], true)] for scores, true in zip(similarity, positive)]
    found = standing(similarity, positive)
    np.testing.assert_allclose(target_ranks(similarity, positive, ties="expected"), [np.mean(o) for o in orders],
                               rtol=1e-13)
    assert mean_rank(similarity, positive, ties="expected") == pytest.approx(np.mean([np.mean(o) for o in orders]))
    for k in range(1, similarity.shape[1] + 2):
        probability = [np.mean(np.array(o) <= k) for o in orders]
        np.testing.assert_allclose(found.recalls(k, "expected"), probability, atol=1e-13)
        assert recall_at_k(similarity, k, positive, ties="expected") == pytest.approx(np.mean(probability), abs=1e-13)
    pooled = np.concatenate([np.tile(o, 720 // len(o)) for o in orders])        # each query with the same weight
    assert median_rank(similarity, positive, ties="expected") == np.median(pooled)


@given(problems())
def test_expected_is_never_worse_and_equal_where_there_are_no_ties(problem):
    similarity, positive = problem
    against, expected = (target_ranks(similarity, positive, ties=ties) for ties in ("against", "expected"))
    assert (expected <= against).all()
    distinct = np.argsort(np.argsort(similarity, axis=1), axis=1)               # ranks of the scores: no equals
    assert (target_ranks(distinct, positive) == target_ranks(distinct, positive, ties="expected")).all()
    assert median_rank(distinct, positive) == median_rank(distinct, positive, ties="expected")


def test_a_large_tie_keeps_its_digits():
    """1000 equals, 5 of them true: products of 5 quotients, not of factorials."""
    true = np.arange(1000)[None] < 5
    zeros = np.zeros((1, 1000))
    assert recall_at_k(zeros, 1, true, ties="expected") == pytest.approx(0.005, rel=1e-12)
    assert target_ranks(zeros, true, ties="expected").item() == pytest.approx(1001 / 6, rel=1e-12)


def test_other_ways_with_ties_are_refused():
    for f in (target_ranks, median_rank, mean_rank, lambda s, ties: recall_at_k(s, 1, ties=ties)):
        with pytest.raises(ValueError, match="ties is 'against' or 'expected'; got 'mean'"):
            f(np.eye(2), ties="mean")


def test_minus_infinity_is_a_score_like_any_other():
    assert target_ranks([[-np.inf, 0.0], [0.0, -np.inf]], [0, 0]).tolist() == [2, 1]


@pytest.mark.parametrize("similarity, targets, message", [
    (np.zeros(3), None, r"must be a non-empty matrix \(queries, candidates\); got \(3,\)"),
    (np.zeros((0, 3)), None, "must be a non-empty matrix"),
    ([[np.nan, 1.0], [0.0, 1.0]], None, "must not hold NaN; got 1 of them"),
    (np.zeros((2, 3)), None, r"without targets similarity must be square; got \(2, 3\)"),
    (np.zeros((2, 3)), [0, 3], r"targets must lie in 0\.\.2; got 0\.\.3"),
    (np.zeros((2, 3)), [-1, 0], r"targets must lie in 0\.\.2; got -1\.\.0"),
    (np.zeros((2, 3)), [0.0, 1.0], "targets must be integer of shape"),
    (np.zeros((2, 3)), [0, 1, 2], "targets must be integer of shape"),
    (np.zeros((2, 2)), [True, False], "boolean targets must have the shape of similarity"),
    (np.zeros((2, 2)), [[True, False], [False, False]], "every query needs a true candidate; got none for query 1"),
])
def test_errors(similarity, targets, message):
    with pytest.raises(ValueError, match=f"target_ranks: .*{message}"):
        target_ranks(similarity, targets)


def test_k_must_be_positive():
    with pytest.raises(ValueError, match="recall_at_k: k must be at least 1; got 0"):
        recall_at_k(np.eye(2), 0)
