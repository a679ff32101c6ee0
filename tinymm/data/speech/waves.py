"""Reading one WAV file: PCM of any width or floats, with any number of channels, as one channel at a rate of choice.

SciPy's `io` and `signal` are imported where they are used: they take longer to import than all of tinymm.
"""

import math
import struct
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ["Wave", "read_wave", "resampled"]

ENDS_EARLY = "Reached EOF prematurely"  # how SciPy's warning of a truncated file begins


class Wave(NamedTuple):
    """A sound: float32 samples (T,) in [−1, 1], and the samples per second and the channels that its file had.

    Examples
    --------
    >>> Wave(np.zeros(4, np.float32), 8000, 1).channels
    1
    """

    samples: np.ndarray
    rate: int
    channels: int


def resampled(samples, rate, target):
    r"""Bring samples (T,) to another rate:
    $\lceil T \cdot \mathrm{target} / \mathrm{rate} \rceil$ of them, low-passed first.

    Raises
    ------
    ValueError
        If a rate is below 1.

    Examples
    --------
    >>> resampled(np.ones(441, np.float32), 44100, 8000).shape
    (80,)
    """
    if min(rate, target) < 1:
        raise ValueError(f"resampled: rates must be at least 1; got {rate} and {target}")
    if rate == target:
        return samples
    from scipy.signal import resample_poly
    shared = math.gcd(rate, target)
    return resample_poly(samples, target // shared, rate // shared).astype(samples.dtype, copy=False)


def read_wave(path, rate=None):
    """Read a WAV file as one channel of float32.

    PCM of 8, 16, 24 or 32 bits is divided by its largest value, floats are kept; channels are averaged.

    Parameters
    ----------
    path : path
    rate : int, optional
        Samples per second to bring the sound to; by default it keeps its own.

    Returns
    -------
    Wave
        With the rate and the channels the *file* had.

    Raises
    ------
    ValueError
        Naming the file, if it is not there, is no WAV file, is cut short, holds no sample, or one that is not finite.

    Examples
    --------
    >>> import tempfile
    >>> from scipy.io import wavfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     path = Path(name, "one.wav")
    ...     wavfile.write(path, 8000, np.array([0, 16384, -32768], np.int16))
    ...     read_wave(path).samples
    array([ 0. ,  0.5, -1. ], dtype=float32)
    """
    file_rate, stored = _decoded(Path(path))
    if stored.size == 0:
        raise ValueError(f"{path}: a WAV file must hold at least one sample; got none")
    samples = _floating(stored)
    if not np.isfinite(samples).all():
        raise ValueError(f"{path}: samples must be finite; got {samples[~np.isfinite(samples)][0]}")
    channels = 1 if stored.ndim == 1 else stored.shape[1]
    mono = samples if stored.ndim == 1 else samples.mean(1)
    mono = resampled(mono, file_rate, rate or file_rate).astype(np.float32)
    return Wave(mono, rate=file_rate, channels=channels)


def _decoded(path):
    """(rate, samples as stored) of a file that is whole."""
    from scipy.io import wavfile
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # chunks that hold no sound, such as tags
            warnings.filterwarnings("error", ENDS_EARLY, wavfile.WavFileWarning)
            return wavfile.read(path)
    except wavfile.WavFileWarning as error:
        raise ValueError(f"{path}: a WAV file must be whole; it ends early ({str(error).split('; ')[-1]})") from error
    except OSError as error:
        raise ValueError(f"{path}: a WAV file must be there to be read; {error.strerror}") from error
    except (ValueError, struct.error) as error:
        raise ValueError(f"{path}: must be a WAV file of PCM or float samples; got {path.stat().st_size} bytes "
                         f"that are not ({error})") from error


def _floating(stored):
    """Stored samples as floats: for unsigned bytes silence is 128; 24 bits come as the upper bytes of 32."""
    if stored.dtype.kind == "f":
        return stored
    if stored.dtype == np.uint8:
        return (stored.astype(np.float32) - 128) / 128
    return stored / float(2 ** (8 * stored.dtype.itemsize - 1))
