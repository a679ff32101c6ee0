"""Frames: what they add up to, and errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm.functional as F

sides = st.integers(1, 12)


@given(sides, sides, sides, st.integers(0, 2**32 - 1))
def test_frames_added_back_count_each_sample_as_often_as_it_was_cut(T, N, hop, seed):
    x = np.random.default_rng(seed).standard_normal((T - 1) * hop + N)
    often = F.overlap_add(F.frame(np.ones_like(x), N, hop), hop)
    starts = hop * np.arange(T)
    assert (often == [sum(s <= k < s + N for s in starts) for k in range(len(x))]).all()
    np.testing.assert_allclose(F.overlap_add(F.frame(x, N, hop), hop), often * x, atol=1e-13)


def test_a_frame_is_a_copy():
    x = np.zeros(4)
    F.frame(x, 2, 1)[0, 0] = 1
    assert not x.any()


def test_errors():
    with pytest.raises(ValueError, match="frame: a frame of 5 samples must fit into the waveform; got \\(2, 4\\)"):
        F.frame(np.zeros((2, 4)), 5, 1)
    with pytest.raises(ValueError, match="frame: needs frames and hops of at least 1 sample; got 2 and 0"):
        F.frame(np.zeros(4), 2, 0)
    with pytest.raises(ValueError, match="frame: needs .* got 0 and 2"):
        F.frame(np.zeros(4), 0, 2)
    with pytest.raises(ValueError, match="frame: .* got \\(\\)"):
        F.frame(np.zeros(()), 1, 1)
    for frames, hop in ((np.zeros((0, 3)), 1), (np.zeros((3, 0)), 1), (np.zeros(3), 1), (np.zeros((2, 3)), 0)):
        with pytest.raises(ValueError, match="overlap_add: needs frames .* hop of at least 1"):
            F.overlap_add(frames, hop)
