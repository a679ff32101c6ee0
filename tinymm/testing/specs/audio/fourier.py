"""Rows for `tinymm.functional.audio.fourier`: sums of complex exponentials."""

import numpy as np

from ....functional import dft
from ...specification import spec
from ...strategies import arrays, calls, shapes, st


def waves():
    return shapes(0, 2, max_side=3).flatmap(lambda lead: st.integers(1, 9).flatmap(lambda n: calls(arrays((*lead, n)))))


@st.composite
def spectra(draw):
    """Real and imaginary parts of n samples; an even n, which is the default, is sometimes left out."""
    n = draw(st.integers(1, 9))
    lead = draw(shapes(0, 2, max_side=3))
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

    def frequency(k):
        if 2 * k in (0, n):
            return X[..., k].real
        return X[..., k] if 2 * k < n else X[..., n - k].conj()

    whole = [frequency(k) for k in range(n)]
    return np.stack([sum(whole[k] * np.exp(2j * np.pi * k * m / n) for k in range(n)).real / n for m in range(n)], -1)


def their_rfft(torch, x):
    X = torch.fft.rfft(x)
    return torch.cat([X.real.reshape(-1), X.imag.reshape(-1)])


def their_irfft(torch, real, imag, n=None):
    return torch.fft.irfft(torch.complex(real, imag), n)


spec("rfft", waves, transformed, their_rfft, complex_step=False)  # NumPy's takes real numbers
spec("rfft", waves, transformed, their_rfft, function=dft)
spec("irfft", spectra, restored, their_irfft, complex_step=False)
