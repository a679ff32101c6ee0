"""Whisper's encoder beyond the contract: its front end is PyTorch's, lengths are exact, what is too long is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.encoders import WhisperEncoder, WhisperFront

BANDS, D = 5, 8


def randomised(module, rng):
    for parameter in module.to(np.float64).parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape) * 0.4
    return module.eval()


@given(seed=st.integers(0, 2**32 - 1), frames=st.integers(1, 12))
def test_the_front_end_is_pytorchs_two_convolutions(seed, frames):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    front, x = randomised(WhisperFront(BANDS, D, rng=rng), rng), rng.standard_normal((2, frames, BANDS))
    theirs = torch.nn.Sequential(torch.nn.Conv1d(BANDS, D, 3, padding=1), torch.nn.GELU(),
                                 torch.nn.Conv1d(D, D, 3, stride=2, padding=1), torch.nn.GELU()).double()
    state = front.state_dict()
    theirs.load_state_dict({name: torch.from_numpy(state[own]) for name, own in (
        ("0.weight", "conv1.weight"), ("0.bias", "conv1.bias"), ("2.weight", "conv2.weight"),
        ("2.bias", "conv2.bias"))})
    with torch.no_grad():
        expected = theirs(torch.from_numpy(x).mT).mT.numpy()
    found, mask = front(x)
    assert found.shape == (2, -(-frames // 2), D) and mask.all()
    np.testing.assert_allclose(found.data, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(front.to(np.float32)(x.astype(np.float32))[0].data, expected, atol=1e-5)


@given(seed=st.integers(0, 2**32 - 1), lengths=st.lists(st.integers(1, 13), min_size=1, max_size=4))
def test_every_length_is_halved_and_padding_changes_nothing(seed, lengths):
    """Alone it is the same as among longer ones, whatever stands in the padding."""
    rng = np.random.default_rng(seed)
    encoder = randomised(WhisperEncoder(BANDS, D, 1, 2, rng=rng), rng)
    mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
    x = np.where(mask[..., None], rng.standard_normal((*mask.shape, BANDS)), np.nan)
    together = encoder(x, mask)
    assert together.mask.sum(1).tolist() == [-(-n // 2) for n in lengths]
    for row, n in enumerate(lengths):
        alone = encoder(x[row:row + 1, :n])
        np.testing.assert_allclose(together.sequence.data[row, :-(-n // 2)], alone.sequence.data[0], rtol=1e-9,
                                   atol=1e-10)
        np.testing.assert_allclose(together.pooled.data[row], alone.pooled.data[0], rtol=1e-9, atol=1e-10)


def test_a_spectrogram_that_is_too_long_or_of_other_bands_is_refused():
    encoder = WhisperEncoder(BANDS, D, 1, 2, places=4, rng=np.random.default_rng(0))
    assert encoder(np.zeros((1, 8, BANDS), np.float32)).sequence.shape == (1, 4, D)
    with pytest.raises(ValueError, match="WhisperEncoder: a spectrogram must have at most 8 frames; got 9"):
        encoder(np.zeros((1, 9, BANDS), np.float32))
    with pytest.raises(ValueError, match=r"WhisperFront: spectrograms must be \(B, T, 5\); got \(1, 8, 4\)"):
        encoder(np.zeros((1, 8, 4), np.float32))
