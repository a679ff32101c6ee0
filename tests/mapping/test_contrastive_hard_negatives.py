"""Hard negatives: drawn by the masked softmax, never a forbidden one; the matching loss by hand and by differences."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm.mapping import MatchingHead, draw_hard_negatives, matching_loss, same, similarities, unit
from tinymm.mapping.contrastive.hard_negatives import MATCHED, NO_NEGATIVE
from tinymm.testing import gradcheck


def test_draws_follow_the_masked_softmax(rng):
    s = rng.normal(size=(4, 5)) * 2
    forbidden = rng.random((4, 5)) < 0.3
    forbidden[:, 1] = False
    p = np.where(forbidden, 0, np.exp(s))
    p /= p.sum(1, keepdims=True)
    n = 4000
    counts = np.zeros((4, 5))
    for _ in range(n):
        counts[np.arange(4), draw_hard_negatives(s, forbidden, rng)] += 1
    assert (counts[forbidden] == 0).all()
    error = np.sqrt(p * (1 - p) / n)
    assert (np.abs(counts / n - p) <= 4 * error).all()          # 20 cells: 4 standard errors, 1 run in 800 without seed


@given(st.integers(1, 6), st.integers(1, 6), st.floats(0, 1), st.integers(0, 999))
def test_never_a_forbidden_one_and_none_is_said(B, N, share, seed):
    rng = np.random.default_rng(seed)
    forbidden = rng.random((B, N)) < share
    s = np.where(forbidden, np.nan, rng.choice([-1e300, -700.0, 0.0, 800.0, 1e30], size=(B, N)))
    drawn = draw_hard_negatives(s, forbidden, rng)
    assert ((drawn == NO_NEGATIVE) == forbidden.all(1)).all()
    rows = np.flatnonzero(drawn >= 0)
    assert not forbidden[rows, drawn[rows]].any()


def test_where_the_right_partner_takes_all_of_the_softmax_there_is_still_a_draw(rng):
    """The unmasked softmax of the others underflows to 0 here, in float64 too."""
    s = np.array([[1e4, 1.0, 0.0]])
    drawn = [draw_hard_negatives(s, np.array([[True, False, False]]), rng)[0] for _ in range(200)]
    assert set(drawn) == {1, 2} and drawn.count(1) > drawn.count(2)


def test_the_same_seed_draws_the_same_and_tensors_are_taken(rng):
    s, forbidden = rng.normal(size=(6, 6)).astype(np.float32), np.eye(6, dtype=bool)
    first, again = (draw_hard_negatives(a, forbidden, np.random.default_rng(3)) for a in (s, tm.tensor(s)))
    assert (first == again).all()


@pytest.mark.parametrize("s, forbidden, message", [
    (np.zeros((2, 3)), np.zeros((2, 2), bool), "of the same shape"),
    (np.zeros(3), np.zeros(3, bool), "of the same shape"),
    (np.zeros((2, 2)), np.zeros((2, 2)), r"got \(2, 2\) and float64"),
    ([[0.0, np.nan]], np.array([[True, False]]), "must not be NaN"),
])
def test_refusals(s, forbidden, message, rng):
    with pytest.raises(ValueError, match=f"draw_hard_negatives: .*{message}"):
        draw_hard_negatives(s, forbidden, rng)


# The matching loss ----------------------------------------------------------------------------------------------------

def test_the_matching_loss_by_hand(rng):
    """Captions 0 and 2 are equal: pairs (0, 2) and (2, 0) are never drawn; the draw is repeated from its seed."""
    x, y = rng.normal(size=(2, 4, 3))
    forbidden = same(["a", "b", "a", "c"])
    s = similarities(unit(x), unit(y), 1.0)
    head = MatchingHead(3, 5, rng=rng).to(np.float64)
    found = matching_loss(head, x, y, s, forbidden, np.random.default_rng(8))
    draw = np.random.default_rng(8)
    wrong_y, wrong_x = draw_hard_negatives(s, forbidden, draw), draw_hard_negatives(s.T, forbidden.T, draw)
    assert not any(forbidden[i, wrong_y[i]] or forbidden[wrong_x[i], i] for i in range(4))

    def yes(i, j):
        """σ(w · relu(W [x; y; x ⊙ y] + b) + c)."""
        features = np.concatenate([x[i], y[j], x[i] * y[j]])
        inner = np.maximum(head.inner.weight.data @ features + head.inner.bias.data, 0)
        return 1 / (1 + math.exp(-(head.outer.weight.data[0] @ inner + head.outer.bias.data[0])))

    right = [yes(i, i) for i in range(4)]
    wrong = [yes(i, wrong_y[i]) for i in range(4)] + [yes(wrong_x[j], j) for j in range(4)]
    expected = -(np.log(right).sum() + np.log1p(-np.array(wrong)).sum()) / 12
    assert MATCHED == 1 and found.negatives == 8 and found.loss.item() == pytest.approx(expected, rel=1e-12)
    assert found.accuracy == pytest.approx((np.sum(np.array(right) > 0.5) + np.sum(np.array(wrong) < 0.5)) / 12)


def test_gradients_reach_the_towers_and_the_head(rng):
    x, y = rng.normal(size=(2, 4, 3))
    head = MatchingHead(3, 5, rng=rng)
    s, forbidden = rng.normal(size=(4, 4)), np.eye(4, dtype=bool)

    class Loss(tm.nn.Module):
        def __init__(self):
            self.head = head

        def forward(self, x, y):
            return matching_loss(self.head, x, y, s, forbidden, np.random.default_rng(1)).loss

    assert gradcheck(Loss(), [x, y])


def test_rows_without_a_negative_are_left_out_and_counted(rng):
    x, y = rng.normal(size=(2, 3, 2))
    forbidden = np.array([[True, False, True], [True] * 3, [True] * 3])     # only x_0 with y_1, and y_1 with x_0
    found = matching_loss(lambda x, y: tm.tensor((x * y).sum(-1)), x, y, np.zeros((3, 3)), forbidden, rng)
    right, wrong = (x * y).sum(1), x[0] @ y[1]
    expected = (np.log1p(np.exp(-right)).sum() + 2 * np.log1p(np.exp(wrong))) / 5
    assert found.negatives == 2 and found.loss.item() == pytest.approx(expected, rel=1e-12)


def test_a_batch_of_one_caption_has_no_negatives(rng):
    x, y = rng.normal(size=(2, 3, 2)).astype(np.float32)
    found = matching_loss(MatchingHead(2, 4, rng=rng), x, y, x @ y.T, same(["a"] * 3), rng)
    assert found.negatives == 0 and math.isfinite(found.loss.item()) and found.loss.dtype == np.float32


def test_the_head_is_the_formula_of_its_docstring():
    rng = np.random.default_rng(0)
    head = MatchingHead(4, 5, rng=rng)
    assert head.inner.weight.shape == (5, 12) and head.outer.weight.shape == (1, 5)
    x, y = rng.standard_normal((2, 3, 4)).astype(np.float32)
    inner = np.maximum(np.concatenate([x, y, x * y], 1) @ head.inner.weight.data.T + head.inner.bias.data, 0)
    np.testing.assert_allclose(head(x, y).data, inner @ head.outer.weight.data[0] + head.outer.bias.data[0], rtol=1e-5)


def test_lists_and_tensors_do_as_well_as_arrays():
    """The same negatives, and so the same loss, however similarity and mask are given."""
    s, forbidden = np.random.default_rng(0).standard_normal((3, 3)), np.eye(3, dtype=bool)
    x, y = np.random.default_rng(1).standard_normal((2, 3, 4))
    results = []
    for one, other in ((s, forbidden), (tm.tensor(s, requires_grad=True), forbidden), (s.tolist(), forbidden.tolist())):
        drawn = draw_hard_negatives(one, other, np.random.default_rng(2)).tolist()
        found = matching_loss(lambda x, y: (x * y).sum(-1), tm.tensor(x), tm.tensor(y), one, other,
                              np.random.default_rng(3))
        results.append((drawn, found.loss.item(), found.accuracy, found.negatives))
    assert results[0] == results[1] == results[2]
