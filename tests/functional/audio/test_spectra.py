"""The short-time transform against SciPy's, closed forms, the way back, errors."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F


def test_scipy_s_stft(rng):
    x, w = rng.standard_normal((2, 100)), F.hann_window(16)
    _, _, X = scipy.signal.stft(x, window=w, nperseg=16, noverlap=11, boundary=None, padded=False, scaling="spectrum")
    real, imag = F.stft(x, 16, 5, window=w, center=False)
    np.testing.assert_allclose(real + 1j * imag, X.swapaxes(-1, -2) * w.sum(), atol=1e-13)


@given(st.integers(2, 6), st.floats(0.1, 3))
def test_a_tone_through_a_hann_window_is_three_bins_high(k, amplitude):
    """The window is ½ − ¼ e^(iθ) − ¼ e^(−iθ):
    each neighbour gets half of what the tone's own bin gets, a quarter of its power."""
    power = F.power_spectrogram(amplitude * np.sin(2 * np.pi * k * np.arange(64) / 16), 16, 4,
                                window=F.hann_window(16), center=False)
    expected = np.zeros(9)
    expected[[k - 1, k, k + 1]] = np.array([0.25, 1, 0.25]) * (amplitude * 16 / 4) ** 2
    np.testing.assert_allclose(power, np.tile(expected, (13, 1)), atol=1e-11 * amplitude**2)


@pytest.mark.parametrize("rate", [8000, 16000, 22050])
def test_a_chirp_s_peak_follows_its_frequency(rate):
    """One second from 500 Hz to 3000 Hz: the loudest bin of each frame is that of the frequency at its middle."""
    t = np.arange(rate) / rate
    power = F.power_spectrogram(np.sin(2 * np.pi * (500 * t + 1250 * t * t)), 256, 64, window=F.hann_window(256))
    times = 64 * np.arange(len(power)) / rate
    inside = (times > 0.05) & (times < 0.95)
    heard = power.argmax(-1) * rate / 256
    assert (np.abs(heard - (500 + 2500 * times))[inside] <= rate / 256).all()


@given(st.integers(1, 9), st.integers(1, 60), st.booleans(), st.integers(0, 2**32 - 1))
def test_there_and_back(half, more, center, seed):
    """A Hann window of even length, a quarter of it from frame to frame; uncentred, its zero hides the first sample."""
    n_fft, w = 4 * half, F.hann_window(4 * half) + (0 if center else 0.1)
    x = np.random.default_rng(seed).standard_normal((2, n_fft // 2 + n_fft + more))
    length = x.shape[-1] if center else n_fft + (x.shape[-1] - n_fft) // half * half
    hop = half if more % 3 else None                                   # the default
    spectrum = F.stft(x, n_fft, hop, window=w, center=center)
    back = F.istft(*spectrum, n_fft, hop, window=w, center=center, length=length if more % 2 or center else None)
    np.testing.assert_allclose(back, x[:, :length], atol=1e-12)


def test_istft_is_the_least_squares_solution(rng):
    """Of spectra that no waveform has: compared with the pseudo-inverse of the linear map,
    mirrored frequencies included."""
    n_fft, hop, T, w = 6, 2, 4, rng.uniform(0.5, 2, 6)
    L = (T - 1) * hop + n_fft
    real, imag = rng.standard_normal((2, T, n_fft // 2 + 1))
    imag[:, [0, -1]] = 0
    twice = np.sqrt([1, 2, 2, 1])
    columns = [np.stack(F.stft(e, n_fft, hop, window=w, center=False)) * twice for e in np.eye(L)]
    A = np.stack([c.ravel() for c in columns], -1)
    x = np.linalg.lstsq(A, (np.stack([real, imag]) * twice).ravel())[0]
    np.testing.assert_allclose(F.istft(real, imag, n_fft, hop, window=w, center=False), x, atol=1e-12)


def test_a_gradient_finds_the_waveform_of_a_spectrogram(rng):
    """Descent on the power alone: the waveform is found up to its sign."""
    x, w = rng.standard_normal(24), F.hann_window(8)
    target = F.power_spectrogram(x, 8, 2, window=w)
    guess = tm.tensor(x + 0.05 * rng.standard_normal(24), requires_grad=True)
    losses = []
    for _ in range(400):
        error = F.power_spectrogram(guess, 8, 2, window=w) - target
        loss = (error * error).sum()
        slope, = tm.grad(loss, guess)
        guess = tm.tensor(guess.data - 1e-4 * slope.data, requires_grad=True)
        losses.append(loss.item())
    assert losses[-1] < 0.02 * losses[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays(dtype):
    x = tm.tensor(np.ones(40, dtype), requires_grad=True)
    power = F.power_spectrogram(x, 8, 3, window=F.hann_window(8))
    back = F.istft(*F.stft(x, 8, 3, window=F.hann_window(8)), 8, 3, window=F.hann_window(8))
    (power.sum() + back.sum()).backward()
    assert power.dtype == back.dtype == x.grad.dtype == dtype


def test_errors():
    x = np.zeros(10)
    with pytest.raises(ValueError,
                       match="stft: a waveform is mirrored by n_fft // 2 = 10 samples and must be longer; got 10"):
        F.stft(x, 20)
    assert F.stft(x, 20, 5, pad_mode="constant")[0].shape == (3, 11)
    with pytest.raises(ValueError, match="stft: pad_mode is 'reflect' or 'constant'; got 'edge'"):
        F.stft(x, 4, pad_mode="edge")
    with pytest.raises(ValueError, match="frame: a frame of 20 samples must fit"):
        F.stft(x, 20, center=False)
    for name, call in (("stft", lambda **options: F.stft(x, 4, **options)),
                       ("istft", lambda **options: F.istft(np.zeros((5, 3)), np.zeros((5, 3)), 4, **options))):
        for options in (dict(window=np.ones(3)), dict(win_length=5), dict(win_length=0),
                        dict(win_length=3, window=np.ones(4)),
                        dict(window=tm.tensor(np.ones(4)))):
            with pytest.raises(ValueError, match=f"{name}: the window is an array of win_length = "):
                call(**options)
    with pytest.raises(ValueError,
                       match="istft: every sample must lie under a window; got 3 frames, hop 5, for 14 samples"):
        F.istft(np.zeros((3, 3)), np.zeros((3, 3)), 4, 5, center=False)
    with pytest.raises(ValueError, match="istft: every sample .* for 99 samples"):
        F.istft(np.zeros((3, 3)), np.zeros((3, 3)), 4, 2, length=99)
