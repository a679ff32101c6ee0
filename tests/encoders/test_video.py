"""Video encoders beyond the contract: the order of frames, what a filter over time sees."""

import numpy as np
import pytest

from tinymm.encoders import VideoConv3d, VideoRecurrent
from tinymm.encoders.video import each_frame

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
    video, _ = videos(rng, 4)
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
