"""Joined strings: one speaker each, every recording in turn, and sounds where they should lie."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinymm.data.speech import draw_strings, join_sounds


@given(st.integers(0, 2**32 - 1), st.lists(st.sampled_from("abc"), min_size=1, max_size=12), st.integers(1, 30))
def test_a_string_has_one_speaker_and_recordings_take_turns(seed, speakers, n):
    strings = draw_strings(speakers, n, np.random.default_rng(seed), (2, 5))
    assert len(strings) == n and all(2 <= len(rows) <= 5 for rows in strings)
    assert all(len({speakers[i] for i in rows}) == 1 for rows in strings)
    used = Counter(int(i) for rows in strings for i in rows)
    for speaker in set(speakers):
        counts = [used[i] for i, name in enumerate(speakers) if name == speaker]
        assert max(counts) - min(counts) <= 1


@given(st.lists(st.integers(1, 20), min_size=1, max_size=5), st.data())
def test_sounds_lie_one_after_the_other(lengths, data):
    pauses = data.draw(st.lists(st.integers(0, 10), min_size=len(lengths) - 1, max_size=len(lengths) - 1))
    joined = join_sounds([np.full(n, k + 1.0) for k, n in enumerate(lengths)], pauses)
    expected = [np.full(lengths[0], 1.0)]
    for k, (pause, n) in enumerate(zip(pauses, lengths[1:]), 2):
        expected += [np.zeros(pause), np.full(n, float(k))]
    np.testing.assert_array_equal(joined, np.concatenate(expected))


def test_ends_fade_and_the_middle_does_not():
    joined = join_sounds([np.ones(10, np.float32), np.ones(3, np.float32)], [0], fade=4)
    assert joined.dtype == np.float32
    np.testing.assert_allclose(joined[:10], [0.125, 0.375, 0.625, 0.875, 1, 1, 0.875, 0.625, 0.375, 0.125])
    np.testing.assert_allclose(joined[10:], [0.5, 1, 0.5])


def test_an_overlap_longer_than_the_sound_begins_with_it():
    np.testing.assert_array_equal(join_sounds([np.ones(2), np.ones(4)], [-9]), [2, 2, 1, 1])


def test_errors_name_the_rule(rng):
    with pytest.raises(ValueError, match="a pause between any two sounds; got 0 for 2 sounds"):
        join_sounds([np.ones(2)] * 2, [])
    with pytest.raises(ValueError, match="needs recordings and lengths of at least 1; got 0 and"):
        draw_strings([], 3, rng)
    with pytest.raises(ValueError, match=r"got 1 and \(3, 2\)"):
        draw_strings(["a"], 3, rng, (3, 2))
