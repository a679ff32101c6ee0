"""Rows for `tinymm.functional.audio.fourier`: sums of complex exponentials."""

import numpy as np

from ....functional import dft
from ...specification import spec
from ...strategies import arrays, shapes, st


def waves():
    return st.tuples(shapes(0, 2, max_side=3), st.integers(1, 9)).flatmap(lambda s: arrays((*s[0], s[1]))).map(lambda x: ((x,), {}))


@st.composite
def spectra(draw):
    """Real and imaginary parts of n samples; n is not told where it may be guessed."""
    n, lead = draw(st.integers(1, 9)), draw(shapes(0, 2, max_side=3))
    parts = [draw(arrays((*lead, n // 2 + 1))) for _ in range(2)]
    return (*parts, *([] if n % 2 == 0 and draw(st.booleans()) else [n])), {}


def transformed(x):
    n = x.shape[-1]
    X = np.stack([sum(x[..., m] * np.exp(-2j * np.pi * k * m / n) for m in range(n)) for k in range(n // 2 + 1)], -1)
    return X.real, X.imag


def restored(real, imag, n=None):
    """All n frequencies, the missing ones mirrored, summed."""
    n = 2 * (real.shape[-1] - 1) if n is None else n
    X = real + 1j * imag
    whole = [X[..., k].real if 2 * k in (0, n) else X[..., k] if 2 * k < n else X[..., n - k].conj() for k in range(n)]
    return np.stack([sum(whole[k] * np.exp(2j * np.pi * k * m / n) for k in range(n)).real / n for m in range(n)], -1)


def flat(torch, X):
    return torch.cat([X.real.reshape(-1), X.imag.reshape(-1)])


spec("rfft", waves, transformed, lambda torch, x: flat(torch, torch.fft.rfft(x)), complex_step=False)  # NumPy's takes real numbers
spec("rfft", waves, transformed, lambda torch, x: flat(torch, torch.fft.rfft(x)), function=dft)
spec("irfft", spectra, restored, lambda torch, real, imag, n=None: torch.fft.irfft(torch.complex(real, imag), n), complex_step=False)
