r"""What a voice is made of: pulses of the glottis, noise, and the resonators with which the vocal tract shapes them.

The parts of Klatt's synthesiser, each an explicit formula; frequencies and bandwidths may change from sample to sample.
"""

import numpy as np
from scipy.linalg.blas import dtbsv

__all__ = ["glottal_pulses", "recursion_by_steps", "resonate", "resonator_coefficients"]

# Shares of a period in which the glottis opens and closes (Rosenberg 1971).
OPENING = 0.40
CLOSING = 0.16


def resonator_coefficients(frequency, bandwidth, rate):
    r"""A, B, C of the resonator $y_n = A\,x_n + B\,y_{n-1} + C\,y_{n-2}$.

    $$ C = -e^{-2\pi b/r}, \qquad B = 2\,e^{-\pi b/r}\cos(2\pi f/r), \qquad A = 1 - B - C $$

    Its poles lie at $e^{-\pi b/r \pm 2\pi i f/r}$; A makes the gain at 0 Hz one.

    Parameters
    ----------
    frequency, bandwidth : float or array
        f and b in Hz.
    rate : int
        r, samples per second.

    Returns
    -------
    A, B, C : float64

    References
    ----------
    Klatt (1980), Software for a cascade/parallel formant synthesizer, J. Acoust. Soc. Am. 67, eq. 2.

    Examples
    --------
    >>> A, B, C = resonator_coefficients(500.0, 60.0, 8000)
    >>> print(f"{A:.4f} {B:.4f} {C:.4f}")
    0.1492 1.8047 -0.9540
    """
    decay = np.exp(-np.pi * np.asarray(bandwidth, np.float64) / rate)
    B = 2 * decay * np.cos(2 * np.pi * np.asarray(frequency, np.float64) / rate)
    C = -decay * decay
    return 1 - B - C, B, C


def recursion_by_steps(x, A, B, C):
    """The resonator as its equation reads, sample by sample; `resonate` solves the same equations all at once."""
    y = np.zeros(len(x) + 2)  # y₋₂ = y₋₁ = 0
    for n in range(len(x)):
        y[n + 2] = A[n] * x[n] + B[n] * y[n + 1] + C[n] * y[n]
    return y[2:]


def resonate(x, frequency, bandwidth, rate):
    r"""Send a sound through a resonator whose frequency may move.

    $y_n - B_n y_{n-1} - C_n y_{n-2} = A_n x_n$ for all n is one triangular system with two diagonals below the main
    one: forward substitution, BLAS's `tbsv`, is the recursion.

    Parameters
    ----------
    x : array (T,)
    frequency, bandwidth : float or array (T,)
        In Hz.
    rate : int
        Samples per second.

    Returns
    -------
    float64 array (T,)

    Examples
    --------
    >>> impulse = np.eye(1, 4)[0]
    >>> resonate(impulse, 500.0, 60.0, 8000).round(4)
    array([0.1492, 0.2693, 0.3437, 0.3634])
    """
    A, B, C = resonator_coefficients(frequency, bandwidth, rate)
    A, B, C, _ = np.broadcast_arrays(A, B, C, x)
    bands = np.zeros((3, len(x)), order="F")  # row k: the k-th diagonal below the main one, which is all ones
    bands[1, :-1] = -B[1:]
    bands[2, :-2] = -C[2:]
    return dtbsv(2, bands, A * x, lower=1, diag=1)


def glottal_pulses(pitch, rate):
    r"""The flow of air through the vocal folds, a pulse for each period of the pitch.

    The phase is $\varphi_n = \sum_{m \le n} p_m / r \bmod 1$; with $\varphi_o$ the share of a period in which the folds
    open and $\varphi_c$ that in which they close,

    $$ g(\varphi) = \tfrac12 \left(1 - \cos \frac{\pi \varphi}{\varphi_o}\right) \;(\varphi < \varphi_o), \qquad
       g(\varphi) = \cos \frac{\pi (\varphi - \varphi_o)}{2 \varphi_c}
       \;(\varphi_o \le \varphi < \varphi_o + \varphi_c), $$

    and 0 until the next period.

    Parameters
    ----------
    pitch : array (T,)
        Hz at each sample.
    rate : int
        Samples per second.

    Returns
    -------
    float64 array (T,)
        From 0 to 1.

    References
    ----------
    Rosenberg (1971), Effect of glottal pulse shape on the quality of natural vowels, J. Acoust. Soc. Am. 49.

    Examples
    --------
    >>> glottal_pulses(np.full(10, 100.0), 1000).round(2)
    array([0.15, 0.5 , 0.85, 1.  , 0.56, 0.  , 0.  , 0.  , 0.  , 0.  ])
    """
    phase = np.cumsum(np.asarray(pitch, np.float64) / rate) % 1
    opening = 0.5 * (1 - np.cos(np.pi * phase / OPENING))
    closing = np.cos(np.pi * (phase - OPENING) / (2 * CLOSING))
    return np.where(phase < OPENING, opening, np.where(phase < OPENING + CLOSING, closing, 0.0))
