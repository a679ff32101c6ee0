"""Pictures of spectrograms and alignments: what is where, and how bright."""

import numpy as np
import pytest

from tinymm.viz import Report, alignment_image, spectrogram_image


def test_time_goes_right_and_frequency_up(rng):
    x = rng.standard_normal((5, 4))
    grey = spectrogram_image(x, scale=2, colour=False)
    assert grey.shape == (8, 10)
    level = (x - x.min()) / (x.max() - x.min())
    for t in range(5):
        for f in range(4):
            np.testing.assert_allclose(grey[2 * (3 - f):2 * (4 - f), 2 * t:2 * t + 2], level[t, f], rtol=1e-5)
    picture = spectrogram_image(x)
    assert picture.shape == (3, 12, 15) and picture.dtype == np.float32 and 0 <= picture.min() <= picture.max() <= 1


def test_a_flat_spectrogram_is_dark():
    assert not spectrogram_image(np.ones((3, 2)), colour=False).any()


def test_an_alignment_climbs_from_the_lower_left_to_the_upper_right():
    posterior = np.eye(6)[np.repeat(np.arange(6), 4)]                    # (24, 6): each symbol for four places
    picture = alignment_image(np.zeros((24, 18)), posterior, scale=2)    # (3, 36, 48)
    red = picture[0]
    for s in range(6):
        lane, time = slice(36 - 6 * (s + 1) + 2, 36 - 6 * s - 2), slice(8 * s + 3, 8 * s + 5)
        assert red[lane, time].min() > 0.7                               # hot where it was heard
        elsewhere = slice(8 * ((s + 3) % 6) + 3, 8 * ((s + 3) % 6) + 5)
        assert red[lane, elsewhere].max() < 0.3


def test_the_report_names_the_lanes_from_the_lowest():
    pytest.importorskip("PIL", reason="a report's pictures need pillow (extra media)")
    report = Report("Heard")
    report.alignment(np.zeros((4, 4)), ["–", "seven", "–"], np.eye(3), caption="A clip.")
    html = report.html()
    assert "<li>–</li><li>seven</li><li>–</li>" in html and "from first to last: – seven –." in html
    with pytest.raises(ValueError, match=r"one symbol per lane; got 2 for a posterior \(3, 3\)"):
        report.alignment(np.zeros((4, 4)), ["a", "b"], np.eye(3))


def test_errors_name_the_rule():
    with pytest.raises(ValueError, match=r"a spectrogram must be \(T, F\) and finite; got shape \(3,\)"):
        spectrogram_image(np.zeros(3))
    with pytest.raises(ValueError, match="finite"):
        spectrogram_image(np.full((2, 2), np.nan))
    for bad in (np.zeros(3), np.full((2, 2), 2.0), np.full((2, 2), -0.1)):
        with pytest.raises(ValueError, match=r"a posterior must be \(N, S\) within \[0, 1\]"):
            alignment_image(np.zeros((4, 4)), bad)
