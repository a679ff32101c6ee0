"""Reading one WAV file: PCM of any width, floats, A-law or µ-law, with any number of channels, as one channel at a
rate of choice.

`wav_layout` says where the samples lie. They are read a stretch at a time, so that memory is taken for the one channel
that is kept. SciPy's `signal` is imported where it is used: it takes longer to import than all of tinymm.
"""

import math
import os
from typing import NamedTuple

import numpy as np

from ...cores import ceil_div
from ..files import file_error, open_file
from .wav_layout import read_layout

__all__ = ["Wave", "read_wave", "resampled"]

MOST_SAMPLES = 1 << 26  # of one sound: 256 MiB in float32, 25 minutes of 44,100 samples a second
LARGEST_TERM = 100_000  # of a ratio of rates: the low-pass filter has 20 times as many weights
STRETCH = 1 << 20       # bytes of a file decoded at a time
LOUDEST = 2.0**31       # floats on no scale are larger


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
        If a rate is below 1, the result would have more than 2²⁶ samples, or the ratio of the rates needs a filter too
        long: in lowest terms, its numbers may go up to 100,000.

    Examples
    --------
    >>> resampled(np.ones(441, np.float32), 44100, 8000).shape
    (80,)
    """
    up, down = _ratio(len(samples), rate, target)
    if up == down:
        return samples
    from scipy.signal import resample_poly
    return resample_poly(samples, up, down).astype(samples.dtype, copy=False)


def _ratio(length, rate, target):
    """The ratio of two rates in lowest terms, (up, down), if a sound of this length can go from one to the other."""
    if min(rate, target) < 1:
        raise ValueError(f"resampled: rates must be at least 1; got {rate} and {target}")
    shared = math.gcd(rate, target)
    up = target // shared
    down = rate // shared
    if max(up, down) > LARGEST_TERM:
        raise ValueError(f"resampled: the ratio of the rates must be one of numbers up to {LARGEST_TERM:,}; "
                         f"got {up}/{down} for {rate} and {target}")
    result = ceil_div(length * up, down)
    if result > MOST_SAMPLES:
        raise ValueError(f"resampled: the result may have {MOST_SAMPLES:,} samples; "
                         f"from {rate} to {target} it has {result:,}")
    return up, down


def read_wave(path, rate=None):
    """Read a WAV file as one channel of float32.

    PCM of up to 64 bits is divided by its largest value, A-law and µ-law likewise, floats are kept; channels are
    averaged. Lengths that a recorder has left open reach to the end of the file.

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
        Naming the file, if it is not there, is no WAV file or one of another encoding, contradicts itself or is cut
        short; if it holds no sample or more than 2²⁶ of a channel, or one that is not finite or above 2³¹; if its rate
        is outside 1,000 to 768,000 samples a second.

    References
    ----------
    ITU-T Recommendation G.711 (1988), Pulse code modulation of voice frequencies, tables 1 and 2.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from scipy.io import wavfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     path = Path(name, "one.wav")
    ...     wavfile.write(path, 8000, np.array([0, 16384, -32768], np.int16))
    ...     read_wave(path).samples
    array([ 0. ,  0.5, -1. ], dtype=float32)
    """
    with open_file(path, largest=None) as file:
        try:
            layout = read_layout(file, os.fstat(file.fileno()).st_size)
            frames = _frames(layout)
            target = layout.rate if rate is None else rate
            _ratio(frames, layout.rate, target)  # before the samples are read
            samples = resampled(_one_channel(file, layout, frames), layout.rate, target)
        except ValueError as error:
            raise file_error(path, str(error)) from None
    return Wave(samples, rate=layout.rate, channels=layout.channels)


def _frames(layout):
    """How many samples each channel has."""
    frames = sum(count for _, count in layout.parts)
    if frames == 0:
        raise ValueError("a WAV file must hold at least one sample; got none")
    if frames > MOST_SAMPLES:
        raise ValueError(f"a sound may have {MOST_SAMPLES:,} samples of a channel; got {frames:,}")
    return frames


def _one_channel(file, layout, frames):
    """The mean of all channels: float32 (T,)."""
    mono = np.empty(frames, np.float32)
    done = 0
    for block in _blocks(file, layout):
        samples = DECODERS[layout.encoding](block, layout)
        count = len(samples) // layout.channels
        mono[done:done + count] = samples.reshape(count, layout.channels).mean(1)
        done += count
    return mono


def _blocks(file, layout):
    """The bytes of the samples, some whole frames at a time."""
    frame = layout.channels * layout.width
    most = max(1, STRETCH // frame)
    for start, count in layout.parts:
        file.seek(start)
        for first in range(0, count, most):
            length = min(most, count - first) * frame
            block = file.read(length)
            if len(block) < length:
                raise ValueError("a WAV file must be whole; it has become shorter while it was read")
            yield np.frombuffer(block, np.uint8)


def _from_pcm(block, layout):
    """Whole numbers as the upper bytes of those that NumPy has; those of one byte are unsigned, and 128 is silence."""
    if layout.width == 1:
        return (block - 128.0) / 128
    width = next(size for size in (2, 4, 8) if layout.width <= size)
    padded = np.zeros((len(block) // layout.width, width), np.uint8)
    upper = slice(-layout.width, None) if layout.order == "<" else slice(layout.width)
    padded[:, upper] = block.reshape(-1, layout.width)
    return padded.view(f"{layout.order}i{width}")[:, 0] / 2.0 ** (8 * width - 1)


def _from_floats(block, layout):
    samples = block.view(f"{layout.order}f{layout.width}").astype(np.float64)
    wrong = samples[~(np.abs(samples) <= LOUDEST)]
    if len(wrong):
        raise ValueError(f"samples must be finite and at most 2**31; got {wrong[0]:.6g}")
    return samples


def _from_mu_law(block, layout):
    r"""G.711's µ-law: of the inverted bits s eee mmmm, $\pm\left((2m + 33)\,2^e - 33\right) / 2^{13}$."""
    bits = ~np.arange(256)
    exponent = bits >> 4 & 7
    mantissa = bits & 15
    size = (2 * mantissa + 33) * 2.0**exponent - 33
    return (np.where(bits & 128, -size, size) / 2**13)[block]


def _from_a_law(block, layout):
    r"""G.711's A-law: of the bits s eee mmmm, every other one inverted, $\pm(2m + 33)\,2^{e-1} / 2^{12}$, and
    $\pm(2m + 1) / 2^{12}$ where e = 0.
    """
    bits = np.arange(256) ^ 0b01010101
    exponent = bits >> 4 & 7
    mantissa = bits & 15
    size = np.where(exponent == 0, 2 * mantissa + 1, (2 * mantissa + 33) * 2.0 ** (exponent - 1))
    return (np.where(bits & 128, size, -size) / 2**12)[block]


DECODERS = {"pcm": _from_pcm, "float": _from_floats, "mu-law": _from_mu_law, "a-law": _from_a_law}  # to float64
