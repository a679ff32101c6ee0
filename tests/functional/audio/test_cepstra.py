"""Cosine transform and deltas: SciPy's, lines, errors."""

import numpy as np
import pytest
import scipy.fft
from hypothesis import given
from hypothesis import strategies as st

import tinymm.functional as F


@given(st.integers(1, 40).flatmap(lambda M: st.tuples(st.integers(1, M), st.just(M))))
def test_the_matrix_is_scipy_s_transform(size):
    n_mfcc, n_mels = size
    for norm in ("ortho", None):
        theirs = scipy.fft.dct(np.eye(n_mels), norm=norm)[:, :n_mfcc]
        np.testing.assert_allclose(F.create_dct(n_mfcc, n_mels, norm), theirs, atol=1e-12)


def test_the_columns_are_orthonormal():
    d = F.create_dct(40, 40)
    np.testing.assert_allclose(d.T @ d, np.eye(40), atol=1e-13)


def test_the_first_coefficient_is_loudness_alone(rng):
    """Ten times the amplitude, ln 100 more in every band: only coefficient 0 moves, by √M ln 100."""
    x = rng.standard_normal(4000)
    difference = F.mfcc(10 * x) - F.mfcc(x)
    np.testing.assert_allclose(difference[:, 0], np.sqrt(40) * np.log(100))
    np.testing.assert_allclose(difference[:, 1:], 0, atol=1e-10)


def test_frames_are_of_the_length_and_at_the_distance_asked_for(rng):
    x = rng.standard_normal(100)
    mels = F.log_mel_spectrogram(x, 800, 8, n_fft=32, hop_length=10)
    np.testing.assert_allclose(F.mfcc(x, 800, 5, 8, n_fft=32, hop_length=10), mels @ F.create_dct(5, 8), atol=1e-12)


@given(st.sampled_from((3, 5, 9)), st.floats(-2, 2), st.floats(-2, 2))
def test_the_delta_of_a_line_is_its_slope(win_length, slope, start):
    line = (start + slope * np.arange(20.0))[:, None]
    reach = win_length // 2
    np.testing.assert_allclose(F.compute_deltas(line, win_length)[reach:-reach], slope, atol=1e-12)


def test_one_frame_does_not_move():
    assert not F.compute_deltas(np.ones((1, 3))).any()


def test_errors():
    for win_length in (4, 1, -3):
        with pytest.raises(ValueError,
                           match=f"compute_deltas: win_length must be odd and at least 3; got {win_length}"):
            F.compute_deltas(np.zeros((5, 2)), win_length)
    for shape in ((0, 2), (4,)):
        with pytest.raises(ValueError, match="compute_deltas: needs features"):
            F.compute_deltas(np.zeros(shape))
    for n_mfcc, norm in ((0, "ortho"), (6, "ortho"), (2, "l2")):
        with pytest.raises(ValueError,
                           match=f"create_dct: needs 1 to n_mels coefficients .* got {n_mfcc} of 5, {norm!r}"):
            F.create_dct(n_mfcc, 5, norm)
