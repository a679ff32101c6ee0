r"""Long products in short vectors: count sketches, and circular convolution, which multiplies them.

The sketch of an outer product is the circular convolution of the sketches, and the Fourier transform turns that into a
product of numbers: what compact bilinear pooling is made of.
"""

from ..autograd import op
from .audio.fourier import irfft, rfft
from .indexing import place

__all__ = ["circular_convolution", "circular_correlation", "count_sketch"]


@op
def circular_convolution(a, b):
    r"""Convolution around a circle along the last axis: $y_n = \sum_m a_m\, b_{(n - m) \bmod N}$.

    Parameters
    ----------
    a, b : Tensor or ndarray, (..., N)
        The leading axes broadcast. N may be odd.

    Returns
    -------
    Tensor, (..., N)

    Raises
    ------
    ValueError
        If the last axes differ, or are empty.

    Notes
    -----
    By the fast Fourier transform, where it is a product: $Y_k = A_k B_k$; N log N multiplications for N². The gradient
    is the circular correlation with the other factor.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.circular_convolution(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 0.0])).round(12)    # one step around
    array([3., 1., 2.])
    """
    a_real, a_imag, b_real, b_imag = _spectra("circular_convolution", a, b)
    return irfft(a_real * b_real - a_imag * b_imag, a_real * b_imag + a_imag * b_real, a.shape[-1])


@circular_convolution.vjp
def circular_convolution_vjp(g, a, b):  # ā_m = Σ_n b_(n−m) g_n,  b̄_m = Σ_n a_(n−m) g_n
    return lambda: circular_correlation(b, g), lambda: circular_correlation(a, g)


@op
def circular_correlation(a, b):
    r"""Correlation around a circle along the last axis: $y_n = \sum_m a_m\, b_{(m + n) \bmod N}$.

    Parameters
    ----------
    a, b : Tensor or ndarray, (..., N)
        The leading axes broadcast. N may be odd.

    Returns
    -------
    Tensor, (..., N)

    Raises
    ------
    ValueError
        If the last axes differ, or are empty.

    Notes
    -----
    By the fast Fourier transform: $Y_k = A_k^* B_k$.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.circular_correlation(np.array([0.0, 1.0, 0.0]), np.array([3.0, 1.0, 2.0])).round(12)    # one step back
    array([1., 2., 3.])
    """
    a_real, a_imag, b_real, b_imag = _spectra("circular_correlation", a, b)
    return irfft(a_real * b_real + a_imag * b_imag, a_real * b_imag - a_imag * b_real, a.shape[-1])


@circular_correlation.vjp
def circular_correlation_vjp(g, a, b):  # ā_m = Σ_n g_n b_(m+n),  b̄_m = Σ_n g_n a_(m−n)
    return lambda: circular_correlation(g, b), lambda: circular_convolution(g, a)


def count_sketch(x, index, sign, n):
    r"""Each element of the last axis thrown, with its sign, into one of n places: $y_j = \sum_{i:\, h_i = j} s_i x_i$.

    Parameters
    ----------
    x : Tensor or ndarray, (..., D)
    index : int array (D,)
        h, in [0, n).
    sign : array (D,)
        s, of −1 and 1.
    n : int

    Returns
    -------
    Tensor, (..., n)

    Raises
    ------
    ValueError
        If there is not one place and one sign for each element.
    IndexError
        If a place lies outside [0, n).

    Notes
    -----
    For places and signs drawn at random, the expectation of $\langle\Psi x, \Psi y\rangle$ is $\langle x, y\rangle$.

    References
    ----------
    Charikar, Chen and Farach-Colton (2002), Finding frequent items in data streams, §3; Pham and Pagh (2013), Fast and
    scalable polynomial kernels via explicit feature maps.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.count_sketch(np.array([1.0, 2.0, 4.0]), np.array([1, 0, 1]), np.array([1.0, 1.0, -1.0]), 2)
    array([ 2., -3.])
    """
    if not index.shape == sign.shape == x.shape[-1:]:
        raise ValueError(f"count_sketch: index and sign must be as many as the last axis of x; "
                         f"got {index.shape}, {sign.shape} and {x.shape}")
    return place(x * sign.astype(x.dtype, copy=False), (..., index), (*x.shape[:-1], n))


def _spectra(name, a, b):
    """Real and imaginary parts of both transforms, once the two are found to fit."""
    if a.shape[-1:] != b.shape[-1:] or not a.ndim or not a.shape[-1]:
        raise ValueError(f"{name}: both must have the same last axis, of at least one; got {a.shape} and {b.shape}")
    return (*rfft(a), *rfft(b))
