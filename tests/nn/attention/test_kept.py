"""What is kept is the concatenation of what came, in whatever order rows were chosen; and it is seldom copied."""

from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm.nn.attention.kept import Kept

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(1, 2), st.sampled_from([np.float32, np.float64, bool]), st.booleans())
def test_it_is_a_concatenation_and_a_selection(seed, axis, dtype, recording):
    """Under no_grad in shared room, else on the tape; now and then from one to the other."""
    rng = np.random.default_rng(seed)
    kept, expected = Kept(axis), None
    batch, others = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    for _ in range(8):
        recording ^= rng.random() < 0.2
        with nullcontext() if recording else tm.no_grad():
            n = int(rng.integers(0, 4))
            new = rng.normal(size=(batch, n, others) if axis == 1 else (batch, others, n)).astype(dtype)
            kept = kept.extended(tm.tensor(new))
            expected = new if expected is None else np.concatenate([expected, new], axis)
            if rng.random() < 0.7:
                rows = rng.integers(0, batch, int(rng.integers(1, 6)))
                kept, expected, batch = kept.selected(rows), expected[rows], len(rows)
        assert kept.tensor.dtype == dtype
        np.testing.assert_array_equal(kept.tensor.data, expected)


@given(SEEDS)
def test_a_failed_step_is_forgotten(seed):
    """The object of before still holds what it held, though its room has been written past its end."""
    rng = np.random.default_rng(seed)
    pieces = [rng.normal(size=(2, int(rng.integers(1, 4)), 3)) for _ in range(6)]
    with tm.no_grad():
        kept, expected = Kept(1), np.empty((2, 0, 3))
        for piece in pieces:
            before = kept
            kept.extended(tm.tensor(rng.normal(size=piece.shape)))       # fails later: not gone on with
            kept = before.extended(tm.tensor(piece))
            expected = np.concatenate([expected, piece], 1)
            np.testing.assert_array_equal(kept.tensor.data, expected)


def test_only_doubling_copies_everything_and_only_moved_rows_are_written():
    with tm.no_grad():
        kept, rooms = Kept(1), []
        for t in range(100):
            kept = kept.extended(tm.tensor(np.full((3, 1), float(t))))
            if not rooms or kept.room is not rooms[-1]:
                rooms.append(kept.room)
        assert [room.shape[1] for room in rooms] == [1, 2, 4, 8, 16, 32, 64, 128]
        kept.tensor.data[...] = np.arange(3)[:, None]
        assert kept.selected(np.arange(3)) is kept                       # nothing moves
        kept.room[:, 100:] = -1                                          # past the length nothing is touched
        fewer = kept.selected(np.array([0, 1]))                          # the last row is left out
        assert fewer.room is kept.room and fewer.tensor.data[:, 7].tolist() == [0, 1]
        moved = kept.selected(np.array([0, 0, 1]))
        assert moved.room is kept.room and moved.tensor.data[:, 7].tolist() == [0, 0, 1]
        assert (moved.room[:, 100:] == -1).all()
        wider = moved.selected(np.array([2, 2, 1, 0]))                   # more rows than there is room for
        assert wider.room is not kept.room and wider.tensor.data[:, 7].tolist() == [1, 1, 0, 0]


def test_what_is_recorded_is_never_written_in_place(rng):
    first = tm.tensor(rng.normal(size=(2, 1)), requires_grad=True)
    kept = Kept(1).extended(first).extended(first * 2)
    selected = kept.selected(np.array([1, 0]))
    np.testing.assert_array_equal(kept.tensor.data, np.concatenate([first.data, 2 * first.data], 1))
    g = rng.normal(size=(2, 2))
    found, = tm.grad(selected.tensor, [first], g)
    np.testing.assert_allclose(found.data, (g[::-1] @ [[1], [2]]))


@pytest.mark.parametrize("shape", [(2, 1, 1), (3, 1, 3), (2, 1, 4)])
def test_positions_of_another_shape_are_refused(shape):
    with tm.no_grad():
        kept = Kept(1).extended(tm.tensor(np.zeros((2, 2, 3))))
        with pytest.raises(ValueError, match=r"Kept: new positions must be \(2, 1, 3\); got \("):
            kept.extended(tm.tensor(np.zeros(shape)))


def test_dtypes_are_those_of_a_concatenation():
    with tm.no_grad():
        kept = Kept(1).extended(tm.tensor(np.ones((2, 3), np.float32)))
        for dtype, expected in ((np.float32, np.float32), (np.float64, np.float64), (np.float32, np.float64)):
            kept = kept.extended(tm.tensor(np.ones((2, 1), dtype)))
            assert kept.tensor.dtype == expected and (kept.tensor.data == 1).all()
