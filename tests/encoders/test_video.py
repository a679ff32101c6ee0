"""Video encoders beyond the contract: the order of frames, what a filter over time sees, what regions are of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm.encoders import VideoConv3d, VideoRecurrent, VideoRegions
from tinymm.encoders.video import each_frame, with_changes
from tinymm.testing import check_directional

from .cases import CASES, VIDEO, frame_encoder, randomised

ENCODERS = {name: make for name, (modality, make) in CASES.items() if modality is VIDEO}
every_encoder = pytest.mark.parametrize("make", ENCODERS.values(), ids=ENCODERS)


def videos(rng, *lengths):
    """(video, mask) of random frames."""
    mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
    return rng.standard_normal((*mask.shape, 2, 4, 4)), mask


@every_encoder
def test_the_order_of_frames_matters(make, rng):
    encoder = randomised(make(rng), rng).eval()
    video, _ = videos(rng, 5)
    assert not np.allclose(encoder(video)[1].data, encoder(video[:, ::-1].copy())[1].data)


def test_a_filter_over_time_sees_its_neighbours_and_no_further(rng):
    """One stage: a frame's feature depends on that frame and those beside it."""
    encoder = randomised(VideoConv3d((4,), channels=2, rng=rng), rng)
    encoder.norms[0].bias.data += 3.0  # no filter is silent
    video, _ = videos(rng, 7)
    changed = video.copy()
    changed[:, 3] += 1.0
    moved = np.abs(encoder(video)[0].data - encoder(changed)[0].data).max(-1)[0] > 0
    assert np.flatnonzero(moved).tolist() == [2, 3, 4]


def test_frames_are_encoded_one_by_one(rng):
    encoder = frame_encoder(rng).eval()
    video, mask = videos(rng, 2, 3)
    found = each_frame(encoder, video, mask).data
    for b, t in np.ndindex(2, 3):
        expected = encoder(video[b, t][None])[1].data[0] if mask[b, t] else np.zeros(4)
        np.testing.assert_allclose(found[b, t], expected, rtol=1e-10, atol=1e-12)


def with_changes_of(video, mask, b, t):
    """Frame t of video b, how it differs from the one before, and the one after from it: 0 where that is not real."""
    T = mask.shape[1]
    before = t - 1 if t > 0 and mask[b, t - 1] else t
    after = t + 1 if t + 1 < T and mask[b, t + 1] else t
    return np.concatenate([video[b, t], video[b, t] - video[b, before], video[b, after] - video[b, t]])


@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 6), st.booleans())
def test_changes_are_those_between_real_frames(seed, B, T, masked):
    rng = np.random.default_rng(seed)
    mask = rng.random((B, T)) < 0.6 if masked else np.ones((B, T), bool)
    video = np.where(mask[..., None, None, None], rng.standard_normal((B, T, 2, 3, 1)), np.nan)
    found = with_changes(video, mask if masked else None)
    assert found.shape == (B, T, 6, 3, 1)
    for b, t in np.argwhere(mask):
        np.testing.assert_array_equal(found[b, t], with_changes_of(video, mask, b, t))
    tensor = with_changes(tm.tensor(video), mask if masked else None)
    assert isinstance(tensor, tm.Tensor)
    np.testing.assert_array_equal(tensor.data, found)


@pytest.mark.parametrize("masked", [False, True])
def test_gradients_of_changes(masked, rng):
    video, mask = videos(rng, 2, 4)
    assert check_directional(lambda x: with_changes(x, mask if masked else None), [video], rng)


@pytest.mark.parametrize("masked", [False, True])
def test_regions_are_those_of_each_frame_and_its_changes(masked, rng):
    """Frame by frame: its 4 regions and its pooled vector stand at its place, and zero where none is shown."""
    frame = randomised(frame_encoder(rng, 6), rng).eval()
    encoder = VideoRegions(frame, frames=4)
    video, _ = videos(rng, 4, 4)
    mask = np.array([[True, False, True, True], [False, True, False, False]]) if masked else np.ones((2, 4), bool)
    found = encoder(video, mask if masked else None)
    assert encoder.grid == (2, 2) and found.sequence.shape == (2, 16, 4) and found.pooled.shape == (2, 16)
    assert (encoder.width, encoder.frame_width, encoder.pooled_width) == (4, 4, 16)
    for b, t in np.ndindex(2, 4):
        alone = frame(with_changes_of(video, mask, b, t)[None])
        for all_frames, own in ((found.sequence.data[b, 4 * t:4 * t + 4], alone.sequence.data[0]),
                                (found.pooled.data[b, 4 * t:4 * t + 4], alone.pooled.data[0])):
            np.testing.assert_allclose(all_frames, own if mask[b, t] else np.zeros_like(own), rtol=1e-10, atol=1e-12)
    if masked:
        np.testing.assert_array_equal(found.mask, np.repeat(mask, 4, 1))
    else:
        assert found.mask is None


def test_regions_have_no_grid_where_the_encoder_of_frames_has_none():
    class Frames:
        width = pooled_width = 3

    assert VideoRegions(Frames(), 2).grid is None


def test_errors_name_the_rule(rng):
    with pytest.raises(ValueError, match=r"each_frame: video must be .* got \(2, 2, 4, 4\) and no mask"):
        each_frame(frame_encoder(rng), np.zeros((2, 2, 4, 4)))
    for mask in (np.ones((1, 2), int), np.ones((1, 3), bool), np.zeros((1, 2), bool)):
        with pytest.raises(ValueError, match=r"the mask boolean \(B, T\) with a real frame; got"):
            each_frame(frame_encoder(rng), np.zeros((1, 2, 2, 4, 4)), mask)
    with pytest.raises(ValueError, match="VideoRecurrent: cell must be one of gru, lstm, rnn; got 'qrnn'"):
        VideoRecurrent(frame_encoder(rng), cell="qrnn", rng=rng)
    with pytest.raises(ValueError, match=r"VideoConv3d: widths must be multiples of 4; got \(4, 6\)"):
        VideoConv3d((4, 6), rng=rng)
    with pytest.raises(ValueError, match=r"VideoConv3d: a video must be \(B, T, 2, H, W\), sides at least 2; "
                                         r"got \(1, 3, 2, 1, 4\)"):
        VideoConv3d((4, 8), 2, rng=rng)(np.zeros((1, 3, 2, 1, 4), np.float32))
    regions = VideoRegions(frame_encoder(rng, 6), frames=3)
    for shape in ((1, 2, 2, 4, 4), (3, 2, 4, 4)):
        with pytest.raises(ValueError, match=r"VideoRegions: a video must be \(B, 3, C, H, W\); got \("):
            regions(np.zeros(shape, np.float32))
    with pytest.raises(ValueError, match=r"VideoRegions: the mask must have a real frame; got none in \(2, 3\)"):
        regions(np.zeros((2, 3, 2, 4, 4), np.float32), np.zeros((2, 3), bool))
