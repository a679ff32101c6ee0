"""The lattice, number by number, on transcripts small enough to write it down."""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F
from tinymm.functional.ctc.lattice import lattice_of

O = -np.inf


def test_on_paper():
    """abb and b, the blank is 2: the second transcript's own states end at 2."""
    log_probs = np.zeros((5, 2, 3), np.float32)
    rows = lattice_of("f", log_probs, [[0, 1, 1], [1, 7, -7]], [5, 2], [3, 1], 2)
    joined = lattice_of("f", log_probs, [0, 1, 1, 1], (5, 2), np.array([3, 1]), 2)
    for lattice in (rows, joined):
        np.testing.assert_array_equal(lattice.labels, [[2, 0, 2, 1, 2, 1, 2], [2, 1, 2, 2, 2, 2, 2]])
        np.testing.assert_array_equal(lattice.start, [[0, O, O, O, O, O, O]] * 2)
        np.testing.assert_array_equal(lattice.skip[0], [O, O, O, 0, O, O, O])       # into the b, not into its repeat
        np.testing.assert_array_equal(lattice.skip[1, :3], [O, O, O])
        np.testing.assert_array_equal(lattice.end, [[O, O, O, O, O, 0, 0], [O, 0, 0, O, O, O, O]])
        np.testing.assert_array_equal(lattice.real[..., 0].T, [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
        assert lattice.start.dtype == lattice.skip.dtype == lattice.end.dtype == np.float32 \
            and lattice.real.dtype == bool


@pytest.mark.parametrize("targets", [[], [[], []], [[1], [1]], np.zeros((2, 0), int)])
def test_empty_transcripts_have_one_state_and_room_for_three(targets):
    lattice = lattice_of("f", np.zeros((3, 2, 2)), targets, [3, 0], [0, 0], 0)
    np.testing.assert_array_equal(lattice.labels, np.zeros((2, 3)))
    np.testing.assert_array_equal(lattice.end, [[0, O, O]] * 2)
    assert lattice.real.shape == (3, 2, 1) and not lattice.real[:, 1].any()


def test_no_examples():
    lattice = lattice_of("f", np.zeros((3, 0, 2)), [], [], [], 0)
    assert lattice.labels.shape == (0, 3) and lattice.real.shape == (3, 0, 1)
    assert lattice_of("f", np.zeros((3, 0, 2)), np.zeros((0, 4), int), [], [], 0).labels.shape == (0, 3)


def test_each_state_emits_its_label(rng):
    log_probs = rng.standard_normal((4, 2, 3))
    lattice = lattice_of("f", log_probs, [[1, 2], [2, 0]], [4, 4], [2, 1], 0)
    emitted = lattice.emitted(log_probs)
    for t, b, s in np.ndindex(emitted.shape):
        assert emitted[t, b, s] == log_probs[t, b, lattice.labels[b, s]]


@pytest.mark.parametrize("transcript,frames",
                         [([1, 1], 3), ([1, 2, 1], 3), ([1, 1, 1], 5), ([1, 2, 2, 1], 5), ([], 0), ([2], 1)])
def test_how_many_frames_a_transcript_needs(transcript, frames):
    args = np.zeros((5, 1, 3)), np.array([transcript], int).reshape(1, -1), [frames], [len(transcript)], 0
    lattice_of("f", *args)
    if frames:
        less = (*args[:2], [frames - 1], *args[3:])
        with pytest.raises(ValueError, match=f"f: .* example 0 has {frames - 1} frames for {len(transcript)} labels"):
            lattice_of("f", *less)
        np.testing.assert_array_equal(lattice_of("f", *less, True).labels, lattice_of("f", *args).labels)


def test_the_example_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match="example 2 has 1 frames for 2 labels"):
        lattice_of("f", np.zeros((4, 4, 3)), [1, 2, 1, 2, 1, 2], [4, 4, 1, 4], [2, 1, 2, 1], 0)


def test_lengths_of_a_byte_count_states_beyond_it():
    """Of 130 labels, 2 · 130 + 1 states: twice 130 is 4 in a byte."""
    lattice = lattice_of("f", np.zeros((130, 1, 3)), [[1, 2] * 65], np.array([130], np.uint8),
                         np.array([130], np.uint8), 0)
    assert lattice.labels.shape == (1, 261)
    np.testing.assert_array_equal(np.flatnonzero(lattice.end[0] == 0), [259, 260])


def test_targets_and_lengths_may_be_tensors():
    log_probs = F.log_softmax(np.arange(12.0).reshape(4, 1, 3), -1)
    plain = F.ctc_loss(log_probs, [[1, 2]], [4], [2])
    assert F.ctc_loss(log_probs, tm.tensor(np.array([[1, 2]])), tm.tensor(np.array([4])),
                      tm.tensor(np.array([2]))).item() == plain
