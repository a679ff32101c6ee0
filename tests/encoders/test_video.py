"""Video encoders: a feature per frame and one vector; padding that is never looked at; order that matters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
from tinymm.encoders import ConvEncoder, VideoAttention, VideoConv3d, VideoRecurrent
from tinymm.encoders.video import each_frame

from .test_contract import check_gradients, randomised


def frames(rng):
    return ConvEncoder(((3,), (4,)), 4, channels=2, glance=1, rng=rng)


ENCODERS = {
    "attention": lambda rng: VideoAttention(frames(rng), 6, layers=1, heads=2, rng=rng),
    "gru": lambda rng: VideoRecurrent(frames(rng), 5, rng=rng),
    "lstm": lambda rng: VideoRecurrent(frames(rng), 5, "lstm", rng=rng),
    "convolution": lambda rng: VideoConv3d((4, 8), channels=2, rng=rng),
}
every_encoder = pytest.mark.parametrize("make", ENCODERS.values(), ids=ENCODERS)
seeds = st.integers(0, 2**32 - 1)


def videos(rng, *lengths):
    """(video, mask) of random frames."""
    mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
    return rng.standard_normal((*mask.shape, 2, 4, 4)), mask


@every_encoder
def test_shapes_and_dtype(make, rng):
    encoder = make(rng)
    video, mask = videos(rng, 3, 5, 1)
    sequence, pooled, _ = encoder(video.astype(np.float32), mask)
    assert sequence.shape == (3, 5, encoder.width) and pooled.shape == (3, encoder.pooled_width)
    assert sequence.dtype == pooled.dtype == np.float32
    assert not sequence.data[~mask].any()


@every_encoder
def test_gradients_of_pixels_and_parameters(make, rng):
    encoder = randomised(make(rng), rng)
    video, mask = videos(rng, 2, 3)
    check_gradients(encoder, lambda x: encoder(x, mask)[0], [video], rng)
    check_gradients(encoder, lambda x: encoder(x, mask)[1], [video], rng)
    check_gradients(encoder, lambda x: encoder(x)[1], [video], rng)


@every_encoder
@given(seed=seeds)
@settings(max_examples=8)
def test_what_stands_under_padding_changes_nothing(make, seed):
    """Not one bit of the result, be it NaN, in training mode too; and its gradient is exactly zero."""
    rng = np.random.default_rng(seed)
    encoder = make(rng)
    video, mask = videos(rng, *rng.integers(1, 5, 3), 4)
    video = video.astype(np.float32)
    video[~mask] = 0
    changed = np.where(mask[..., None, None, None], video, np.float32(np.nan))
    for one, other in zip(encoder(video, mask)[:2], encoder(changed, mask)):
        np.testing.assert_array_equal(one.data, other.data)
    x = tm.tensor(changed, requires_grad=True)
    sequence, pooled, _ = encoder(x, mask)
    ((sequence * rng.standard_normal(sequence.shape)).sum()
     + (pooled * rng.standard_normal(pooled.shape)).sum()).backward()
    assert not x.grad[~mask].any() and np.isfinite(x.grad).all() and x.grad[mask].any()


@every_encoder
@given(seed=seeds, more=st.integers(1, 3))
@settings(max_examples=8)
def test_however_much_padding_follows_a_video_is_the_same(make, seed, more):
    """In training mode too; in float64, as products of other shapes may add up in another order."""
    rng = np.random.default_rng(seed)
    encoder = randomised(make(rng), rng)
    video, mask = videos(rng, 3, 2)
    longer = np.concatenate([video, np.full((2, more, 2, 4, 4), 7.0)], 1)
    longer_mask = np.concatenate([mask, np.zeros((2, more), bool)], 1)
    (sequence, pooled, _), (padded, pooled_padded, _) = encoder(video, mask), encoder(longer, longer_mask)
    np.testing.assert_allclose(padded.data[:, :3], sequence.data, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(pooled_padded.data, pooled.data, rtol=1e-9, atol=1e-11)


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
    encoder = frames(rng).eval()
    video, mask = videos(rng, 2, 3)
    found = each_frame(encoder, video, mask).data
    for b, t in np.ndindex(2, 3):
        expected = encoder(video[b, t][None])[1].data[0] if mask[b, t] else np.zeros(4)
        np.testing.assert_allclose(found[b, t], expected, rtol=1e-10, atol=1e-12)


@every_encoder
def test_state_round_trip(make):
    one, other = make(np.random.default_rng(1)), make(np.random.default_rng(2))
    other.load_state_dict(one.state_dict())
    video, mask = videos(np.random.default_rng(3), 3, 2)
    np.testing.assert_array_equal(one.eval()(video, mask)[1].data, other.eval()(video, mask)[1].data)


def test_errors_name_the_rule(rng):
    with pytest.raises(ValueError, match=r"each_frame: video must be .* got \(2, 2, 4, 4\) and no mask"):
        each_frame(frames(rng), np.zeros((2, 2, 4, 4)))
    for mask in (np.ones((1, 2), int), np.ones((1, 3), bool), np.zeros((1, 2), bool)):
        with pytest.raises(ValueError, match=r"the mask boolean \(B, T\) with a real frame; got"):
            each_frame(frames(rng), np.zeros((1, 2, 2, 4, 4)), mask)
    with pytest.raises(ValueError, match="VideoRecurrent: cell must be one of gru, lstm, rnn; got 'qrnn'"):
        VideoRecurrent(frames(rng), cell="qrnn", rng=rng)
    with pytest.raises(ValueError, match=r"VideoConv3d: widths must be multiples of 4; got \(4, 6\)"):
        VideoConv3d((4, 6), rng=rng)
    with pytest.raises(ValueError, match=r"VideoConv3d: a video must be \(B, T, 2, H, W\), sides at least 2; "
                                         r"got \(1, 3, 2, 1, 4\)"):
        VideoConv3d((4, 8), 2, rng=rng)(np.zeros((1, 3, 2, 1, 4), np.float32))
