"""Rows for `tinymm.functional.audio.spectra`: padded by NumPy, cut frame by frame, transformed by SciPy; and PyTorch's
stft."""

import numpy as np
import scipy.fft

from ....functional import istft, power_spectrogram, stft
from ...specification import spec
from ...strategies import arrays, positive, shapes, st


@st.composite
def to_transform(draw):
    """A waveform and the geometry of its frames: even and odd, longer than the window, centred or not."""
    n_fft = draw(st.integers(4, 9))
    win_length = draw(st.one_of(st.none(), st.integers(1, n_fft)))
    window = draw(st.one_of(st.none(), positive((n_fft if win_length is None else win_length,))))
    wave = draw(arrays((*draw(shapes(0, 1, max_side=2)), n_fft + draw(st.integers(0, 7)))))
    return (wave, n_fft), dict(hop_length=draw(st.one_of(st.none(), st.integers(1, 5))), win_length=win_length,
                               window=window, center=draw(st.booleans()),
                               pad_mode=draw(st.sampled_from(("reflect", "constant"))))


@st.composite
def to_restore(draw):
    """Spectra of frames that leave no sample out."""
    n_fft = draw(st.integers(2, 7))
    center = draw(st.booleans())
    hop = draw(st.integers(1, n_fft))
    T = draw(st.integers(2, 4))
    parts = [draw(arrays((T, n_fft // 2 + 1))) for _ in range(2)]
    reach = (T - 1) * hop + n_fft - (n_fft // 2 if center else 0)
    return (*parts, n_fft, hop), dict(window=draw(st.one_of(st.none(), positive((n_fft,)))), center=center,
                                      length=draw(st.one_of(st.none(), st.integers(1, reach))))


def whole_window(n_fft, win_length, window):
    win_length = n_fft if win_length is None else win_length
    before = (n_fft - win_length) // 2
    return np.pad(np.ones(win_length) if window is None else window, (before, n_fft - win_length - before))


def transformed(x, n_fft, hop_length, win_length, window, center, pad_mode):
    w = whole_window(n_fft, win_length, window)
    hop = n_fft // 4 if hop_length is None else hop_length
    if center:
        x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(n_fft // 2,) * 2], pad_mode)
    X = np.stack([scipy.fft.fft(w * x[..., start:start + n_fft])[..., :n_fft // 2 + 1]
                  for start in range(0, x.shape[-1] - n_fft + 1, hop)], -2)
    return X.real, X.imag


def power(*args, **kwargs):
    real, imag = transformed(*args, **kwargs)
    return np.abs(real + 1j * imag) ** 2


def restored(real, imag, n_fft, hop, window, center, length):
    w = whole_window(n_fft, None, window)
    total, weight = np.zeros((2, (len(real) - 1) * hop + n_fft))
    for t, X in enumerate(real + 1j * imag):
        total[t * hop:t * hop + n_fft] += w * scipy.fft.irfft(X, n_fft)
        weight[t * hop:t * hop + n_fft] += w * w
    first = n_fft // 2 if center else 0
    return (total / weight)[first:len(total) - first if length is None else first + length]


def their_stft(torch, x, n_fft, window, win_length, **options):
    if window is None:
        window = torch.ones(n_fft if win_length is None else win_length, dtype=x.dtype)
    return torch.stft(x, n_fft, window=window, win_length=win_length, return_complex=True, **options).mT


def flat(torch, *args, **kwargs):
    X = their_stft(torch, *args, **kwargs)
    return torch.cat([X.real.reshape(-1), X.imag.reshape(-1)])


def their_istft(torch, real, imag, n_fft, hop, window, **options):
    window = torch.ones(n_fft, dtype=real.dtype) if window is None else window
    return torch.istft(torch.complex(real, imag).mT, n_fft, hop, window=window, **options)


spec("rfft", to_transform, transformed, flat, function=stft, complex_step=False)
spec("rfft", to_transform, power, lambda *args, **kwargs: their_stft(*args, **kwargs).abs() ** 2,
     function=power_spectrogram, complex_step=False)
spec("irfft", to_restore, restored, their_istft, function=istft, complex_step=False)
