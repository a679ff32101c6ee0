"""Cepstra: the outline of a log-mel spectrum in a few numbers, by a cosine transform; and their slopes over time."""

import math

import numpy as np

from .mels import log_mel_spectrogram

__all__ = ["compute_deltas", "create_dct", "mfcc"]


def create_dct(n_mfcc, n_mels, norm="ortho"):
    r"""The discrete cosine transform of the second kind, as a matrix.

    $$d_{m,q} = s_q\cos\frac{\pi q\,(2m + 1)}{2F}, \qquad s_0 = \sqrt{1/F},\; s_{q>0} = \sqrt{2/F}$$

    Parameters
    ----------
    n_mfcc, n_mels : int
        How many coefficients q, and F.
    norm : {"ortho", None}
        With $s_q$ the columns are orthonormal; None: $s_q = 2$.

    Returns
    -------
    ndarray, (n_mels, n_mfcc)
        `log_mels @ matrix` are the coefficients.

    Raises
    ------
    ValueError
        If there are more coefficients than bands, or the norm is unknown.

    References
    ----------
    Ahmed, Natarajan and Rao, "Discrete cosine transform", 1974.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.create_dct(2, 2).round(4)
    array([[ 0.7071,  0.7071],
           [ 0.7071, -0.7071]])
    """
    if not 1 <= n_mfcc <= n_mels or norm not in ("ortho", None):
        raise ValueError(f"create_dct: needs 1 to n_mels coefficients and norm 'ortho' or None; "
                         f"got {n_mfcc} of {n_mels}, {norm!r}")
    m = np.arange(n_mels)[:, None]
    q = np.arange(n_mfcc)
    matrix = np.cos(math.pi / (2 * n_mels) * q * (2 * m + 1))
    if norm is None:
        return 2 * matrix
    return matrix * np.where(q == 0, math.sqrt(1 / n_mels), math.sqrt(2 / n_mels))


def mfcc(input, sample_rate=16000, n_mfcc=13, n_mels=40, n_fft=None, hop_length=None):
    r"""Mel-frequency cepstral coefficients: $c_{t,q} = \sum_m d_{m,q}\ln P^{\text{mel}}_{t,m}$.

    The first coefficients hold the outline of the spectrum, which the mouth shapes; the pitch is in those left out.
    They are nearly uncorrelated, which Gaussian mixtures need; a network learns as well from `log_mel_spectrogram`.

    Parameters
    ----------
    input : Tensor or ndarray, (..., L)
    sample_rate : int
    n_mfcc : int
        How many coefficients.
    n_mels, n_fft, hop_length
        As for `log_mel_spectrogram`; HTK's mel scale.

    Returns
    -------
    Tensor, (..., T, n_mfcc)

    Raises
    ------
    ValueError
        As `log_mel_spectrogram` and `create_dct`.

    References
    ----------
    Davis and Mermelstein, "Comparison of parametric representations for monosyllabic word recognition", 1980.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.mfcc(np.random.default_rng(0).standard_normal(8000), sample_rate=8000).shape
    (101, 13)
    """
    mels = log_mel_spectrogram(input, sample_rate, n_mels, n_fft, hop_length)
    return mels @ create_dct(n_mfcc, n_mels).astype(mels.dtype)


def compute_deltas(features, win_length=5):
    r"""How features move: the slope of the line through each frame's neighbourhood, by least squares.

    $$d_t = \frac{\sum_{n=1}^{N} n\,(c_{t+n} - c_{t-n})}{2\sum_{n=1}^{N} n^2}$$

    Parameters
    ----------
    features : Tensor or ndarray, (..., T, F)
    win_length : int
        2N + 1 frames, at least 3. Beyond the ends, the first and the last frame are repeated.

    Returns
    -------
    Tensor, (..., T, F)

    Raises
    ------
    ValueError
        If the window is even or too short, or there is no frame.

    References
    ----------
    Furui, "Speaker-independent isolated word recognition using dynamic features of speech spectrum", 1986; HTK's book,
    equation 5.16.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.compute_deltas(np.array([[0.0], [1.0], [4.0], [9.0]]), 3)[:, 0]
    array([0.5, 2. , 4. , 2.5])
    """
    if win_length < 3 or win_length % 2 == 0:
        raise ValueError(f"compute_deltas: win_length must be odd and at least 3; got {win_length}")
    if features.ndim < 2 or features.shape[-2] < 1:
        raise ValueError(f"compute_deltas: needs features (..., T, F) of at least one frame; got {features.shape}")
    t = np.arange(features.shape[-2])
    reach = range(1, win_length // 2 + 1)

    def frames(shift):
        return features[..., (t + shift).clip(0, len(t) - 1), :]

    total = sum(n * (frames(n) - frames(-n)) for n in reach)
    return total * (1 / (2 * sum(n * n for n in reach)))
