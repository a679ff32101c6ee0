r"""The discrete Fourier transform of real numbers, as pairs (real part, imaginary part) of real arrays.

$$X_k = \sum_n x_n e^{-2\pi i k n / N}, \qquad
  \operatorname{Re} X_k = \sum_n x_n\cos\frac{2\pi k n}{N}, \quad
  \operatorname{Im} X_k = -\sum_n x_n\sin\frac{2\pi k n}{N}$$

Only $k \le N/2$ is computed: of real numbers, $X_{N-k}$ is the conjugate of $X_k$. `dft` is the definition, `rfft` the
fast form.
"""

import math

import numpy as np

from ...autograd import op, saving
from ...cores.blocks import as_floating

__all__ = ["dft", "irfft", "rfft"]


def dft(x):
    """The transform by its definition, one matrix product each for the cosines and the sines: N² multiplications.

    Parameters
    ----------
    x : Tensor or ndarray, (..., N)

    Returns
    -------
    (Tensor, Tensor), each (..., N // 2 + 1)
        Real and imaginary parts.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> real, imag = F.dft(np.array([0.0, 1.0, 0.0, -1.0]))             # a sine, once around
    >>> real.round(12) + 0, imag.round(12) + 0
    (array([0., 0., 0.]), array([ 0., -2.,  0.]))
    """
    N = x.shape[-1]
    angle = 2 * math.pi / N * np.outer(np.arange(N), np.arange(N // 2 + 1))     # (N, K)
    return x @ np.cos(angle).astype(x.dtype), x @ -np.sin(angle).astype(x.dtype)


@op
def rfft(x):
    r"""`dft` by the fast algorithm: N log N multiplications.

    Parameters
    ----------
    x : Tensor or ndarray, (..., N)

    Returns
    -------
    (Tensor, Tensor), each (..., N // 2 + 1)
        Real and imaginary parts; PyTorch and NumPy give one complex array.

    Raises
    ------
    ValueError
        If there is no sample.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.rfft(np.array([1.0, 0.0, 0.0, 0.0]))                          # an impulse holds all frequencies
    (array([1., 1., 1.]), array([0., 0., 0.]))
    """
    if not x.ndim or not x.shape[-1]:
        raise ValueError(f"rfft: needs at least one sample along the last axis; got shape {x.shape}")
    X = np.fft.rfft(x)
    dtype = as_floating(x).dtype
    return saving((X.real.astype(dtype), X.imag.astype(dtype)), n=x.shape[-1])


@rfft.vjp
def rfft_vjp(g, n):                 # x̄ₙ = Σ_k ḡ_re cos − ḡ_im sin: the inverse, with its weights c_k / N undone
    c = n / _multiplicity(n, g[0].dtype)
    return irfft(g[0] * c, g[1] * c, n)


@op
def irfft(real, imag, n=None):
    r"""The inverse of `rfft`.

    $$x_m = \frac1N\sum_{k \le N/2} c_k\,\Big(\operatorname{Re} X_k\cos\frac{2\pi k m}{N} -
      \operatorname{Im} X_k\sin\frac{2\pi k m}{N}\Big)$$

    $c_k$ counts k and its mirror N − k: 2, but 1 where the two are the same, at k = 0 and k = N/2. There the imaginary
    part has no effect.

    Parameters
    ----------
    real, imag : Tensor or ndarray, (..., N // 2 + 1)
    n : int, optional
        N; by default 2 (K − 1), for K frequencies.

    Returns
    -------
    Tensor, (..., N)

    Raises
    ------
    ValueError
        If the shapes differ, or do not belong to N samples.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.irfft(*F.rfft(np.array([3.0, 1.0, 2.0])), 3)
    array([3., 1., 2.])
    """
    n = 2 * (real.shape[-1] - 1) if n is None else n
    if real.shape != imag.shape or n < 1 or real.shape[-1] != n // 2 + 1:
        raise ValueError(f"irfft: {n} samples need real and imaginary parts of {n // 2 + 1} frequencies; "
                         f"got {real.shape} and {imag.shape}")
    y = np.fft.irfft(real + 1j * imag, n)
    return saving(y.astype(as_floating(real).dtype, copy=False), samples=n)


@irfft.vjp
def irfft_vjp(g, samples):          # R̄_k = c_k/N Σ ḡ cos,  Ī_k = −c_k/N Σ ḡ sin: the transform of g, weighted
    c = _multiplicity(samples, g.dtype) / samples
    real, imag = rfft(g)
    return real * c, imag * c


def _multiplicity(n, dtype):
    """c_k: how many of the N frequencies k stands for."""
    c = np.full(n // 2 + 1, 2, dtype)
    c[0] = 1
    if n % 2 == 0:
        c[-1] = 1
    return c
