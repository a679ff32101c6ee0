"""Clipping at its bounds, which the spec row keeps away from."""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F

CASES = [  # x, low, high; the gradients of the three
    ((0.0, -1.0, 1.0), (1, 0, 0)), ((-2.0, -1.0, 1.0), (0, 1, 0)), ((2.0, -1.0, 1.0), (0, 0, 1)),
    ((-1.0, -1.0, 1.0), (1, 0, 0)), ((1.0, -1.0, 1.0), (1, 0, 0)),  # at a bound: as inside
    ((0.0, 1.0, 1.0), (0, 0, 0)), ((1.0, 1.0, 1.0), (1, 0, 0)), ((2.0, 1.0, 1.0), (0, 0, 1)),       # one bound for both
    ((-3.0, 1.0, -1.0), (0, 0, 1)), ((0.0, 1.0, -1.0), (0, 0, 1)), ((3.0, 1.0, -1.0), (0, 0, 1)),   # crossed: y = high
    ((1.0, 1.0, -1.0), (0, 0, 1)), ((-1.0, 1.0, -1.0), (0, 0, 1))]


def clipped_gradients(x, low, high, g):
    values = [tm.tensor(np.array([v]), requires_grad=True) for v in (x, low, high)]
    return [d.item() for d in tm.grad(F.clip(*values), values, np.array([g]))]


@pytest.mark.parametrize("values, shares", CASES)
def test_clip_at_its_bounds(values, shares):
    np.testing.assert_array_equal(clipped_gradients(*values, 2.5), np.array(shares) * 2.5)


@pytest.mark.parametrize("values, shares", CASES)
def test_clip_at_its_bounds_is_pytorchs(values, shares):
    torch = pytest.importorskip("torch")
    theirs = [torch.tensor([v], requires_grad=True) for v in values]
    torch.clamp(*theirs).sum().backward()
    np.testing.assert_array_equal([t.grad.item() for t in theirs], shares)
