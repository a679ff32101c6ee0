"""Audio encoders beyond the contract: exact lengths, the front end alone, what the features have seen."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinymm.encoders import AudioRecurrent, ConvSubsampling
from tinymm.encoders.audio import subsampled

from .cases import AUDIO, BANDS, CASES, randomised

ENCODERS = {name: make for name, (modality, make) in CASES.items() if modality is AUDIO}


def mask_of(lengths, longest):
    return np.arange(longest) < np.asarray(lengths)[:, None]


@given(st.integers(1, 40), st.integers(0, 3))
def test_the_length_after_halving_is_that_of_the_convolutions(length, halvings):
    front = ConvSubsampling(BANDS, 4, (1, 1, 1), halvings, rng=np.random.default_rng(0))
    mask = mask_of([length, 1, max(1, length // 2)], length)
    features, left = front(np.zeros((3, length, BANDS), np.float32), mask)
    assert features.shape == (3, subsampled(length, halvings), 4) and left.shape == features.shape[:2]
    np.testing.assert_array_equal(left.sum(1), subsampled(mask.sum(1), halvings))
    assert not (np.diff(left.astype(int), axis=1) > 0).any()  # real first, padding after


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 13), min_size=1, max_size=3), st.integers(0, 4))
def test_to_the_convolutions_padding_never_matters(seed, lengths, extra):
    """What stands in the padding changes no bit; how much there is changes nothing but rounding."""
    rng = np.random.default_rng(seed)
    front = randomised(ConvSubsampling(BANDS, 8, (2, 3, 2), 1, rng=rng), rng)
    mask = mask_of(lengths, max(lengths) + extra)
    x = rng.standard_normal((*mask.shape, BANDS))
    features, left = front(x, mask)
    other, _ = front(np.where(mask[..., None], x, np.nan), mask)
    np.testing.assert_array_equal(features.data[left], other.data[left])
    for i, length in enumerate(lengths):
        alone, own = front(x[i:i + 1, :length])
        assert own.all() and own.shape[1] == left[i].sum()
        np.testing.assert_allclose(features.data[i, :own.shape[1]], alone.data[0], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ENCODERS)
def test_features_see_both_directions_and_the_pooled_vector_is_their_mean(name, rng):
    encoder = randomised(ENCODERS[name](rng), rng).eval()
    x, mask = rng.standard_normal((2, 12, BANDS)), mask_of([12, 7], 12)
    sequence, pooled, left = encoder(x, mask)
    for i in range(2):
        np.testing.assert_allclose(pooled.data[i], sequence.data[i, left[i]].mean(0))
    for frame in (0, 11):
        changed = x.copy()
        changed[0, frame] += 1
        assert (np.abs(encoder(changed, mask)[0].data - sequence.data)[0].max(-1) > 0).all()


def test_errors_name_the_rule(rng):
    with pytest.raises(ValueError, match="halvings must be 0 to 2, one per convolution; got 3"):
        ConvSubsampling(BANDS, 4, (2, 2), 3, rng=rng)
    with pytest.raises(ValueError, match=r"spectrograms must be \(B, T, 6\); got \(1, 5, 4\)"):
        AudioRecurrent(BANDS, 6, (2, 3), rng=rng)(np.zeros((1, 5, 4), np.float32))
    with pytest.raises(ValueError, match=r"ConvSubsampling: the mask must be boolean \(1, 5\), .*; got bool \(1, 4\)"):
        ConvSubsampling(BANDS, rng=rng)(np.zeros((1, 5, 6), np.float32), np.ones((1, 4), bool))
    with pytest.raises(ValueError, match="width must be even and kind 'gru' or 'lstm'; got 5 and 'gru'"):
        AudioRecurrent(BANDS, 5, rng=rng)
