r"""Changes to recordings that keep the words: noise, time, speed, loudness; and parts of a log-mel spectrogram hidden.

Each takes samples (T,), or a spectrogram (T, F), and a Generator where it draws; it does not change its input.
"""

import math

import numpy as np

__all__ = ["add_noise", "change_gain", "change_speed", "mask_spectrogram", "pink_noise", "shift_time"]

GRID = 100  # speeds are multiples of 1/100, so that resampling is a ratio of small whole numbers


def add_noise(samples, snr, rng, noise=None):
    r"""Add noise at a signal-to-noise ratio, in decibels:
    $10 \log_{10} (\overline{x^2} / \overline{n^2}) = \mathrm{snr}$, exactly.

    Parameters
    ----------
    samples : float array (T,)
    snr : float
    rng : numpy.random.Generator
        Draws white noise, or the place where `noise` is cut.
    noise : float array (N,), optional
        Recorded noise instead of white; repeated if it is shorter than the samples.

    Returns
    -------
    float array (T,)
        Silence stays silence: no noise has a ratio to it.

    Raises
    ------
    ValueError
        If the noise is empty.

    Examples
    --------
    >>> x = np.sin(np.arange(800.0))
    >>> n = add_noise(x, 20.0, np.random.default_rng(0)) - x
    >>> float(round(10 * np.log10((x * x).mean() / (n * n).mean()), 6))
    20.0
    """
    if noise is None:
        noise = rng.standard_normal(len(samples))
    elif len(noise) == 0:
        raise ValueError("add_noise: noise must hold at least one sample; got none")
    else:
        noise = np.take(noise, rng.integers(len(noise)) + np.arange(len(samples)), mode="wrap")
    signal_power = (samples * samples).mean()
    noise_power = (noise * noise).mean()
    if not signal_power or not noise_power:
        return samples.copy()
    scale = math.sqrt(float(signal_power / noise_power)) * 10 ** (-snr / 20)
    return samples + (scale * noise).astype(samples.dtype)


def pink_noise(length, rng):
    r"""Noise with as much power in every octave: white noise, its spectrum divided by $\sqrt f$.

    Parameters
    ----------
    length : int
        At least 1.
    rng : numpy.random.Generator

    Returns
    -------
    float64 array (length,)
        Without the frequency 0, and so of mean 0.

    Examples
    --------
    >>> noise = pink_noise(8000, np.random.default_rng(0))
    >>> power = np.abs(np.fft.rfft(noise)) ** 2
    >>> float((power[100:200].sum() / power[1000:2000].sum()).round())
    1.0
    """
    spectrum = np.fft.rfft(rng.standard_normal(length))
    spectrum[0] = 0.0
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    return np.fft.irfft(spectrum, length)


def change_gain(samples, decibels):
    r"""Make louder or softer: $10^{d/20}\, x$.

    Examples
    --------
    >>> change_gain(np.array([0.1, -0.2]), 20.0)
    array([ 1., -2.])
    """
    return samples * 10 ** (decibels / 20)


def shift_time(samples, offset):
    """Move by `offset` samples, later if positive; what leaves at one end is lost, silence enters at the other.

    Examples
    --------
    >>> shift_time(np.array([1.0, 2.0, 3.0]), 1), shift_time(np.array([1.0, 2.0, 3.0]), -2)
    (array([0., 1., 2.]), array([3., 0., 0.]))
    """
    moved = np.zeros_like(samples)
    if abs(offset) >= len(samples):
        return moved
    if offset >= 0:
        moved[offset:] = samples[:len(samples) - offset]
    else:
        moved[:offset] = samples[-offset:]
    return moved


def change_speed(samples, speed):
    r"""Play faster or slower, as a tape would: $y(t) = x(\mathrm{speed} \cdot t)$.

    Pitch and formants rise with the speed: a formant at f moves to speed · f, as with a shorter vocal tract. So a
    random speed in training makes speakers of other sizes out of those in the data.

    Parameters
    ----------
    samples : float array (T,)
    speed : float
        Above 0; rounded to hundredths.

    Returns
    -------
    float array (⌈T / speed⌉,)

    Raises
    ------
    ValueError
        If the speed is below 1/100.

    References
    ----------
    Ko et al. (2015), Audio augmentation for speech recognition;
    Jaitly & Hinton (2013), Vocal tract length perturbation.

    Examples
    --------
    >>> change_speed(np.ones(100, np.float32), 1.25).shape
    (80,)
    """
    hundredths = round(speed * GRID)
    if hundredths < 1:
        raise ValueError(f"change_speed: speed must be at least 1/{GRID}; got {speed}")
    if hundredths == GRID:
        return samples.copy()
    from scipy.signal import resample_poly  # takes longer to import than all of tinymm
    shared = math.gcd(GRID, hundredths)
    return resample_poly(samples, GRID // shared, hundredths // shared).astype(samples.dtype, copy=False)


def mask_spectrogram(spectrogram, rng, time=8, frequency=8, count=2):
    """SpecAugment: put the mean in place of up to `count` stretches of time and as many bands of frequency.

    Parameters
    ----------
    spectrogram : float array (T, F)
    rng : numpy.random.Generator
    time, frequency : int
        The widest a mask may be, in frames and in bands; a mask in time hides at most a quarter of all frames. A width
        may be 0, so that some spectrograms keep everything.
    count : int

    Returns
    -------
    float array (T, F)

    References
    ----------
    Park et al. (2019), SpecAugment: a simple data augmentation method for automatic speech recognition, §2.

    Examples
    --------
    >>> masked = mask_spectrogram(np.arange(48.0).reshape(8, 6), np.random.default_rng(0), frequency=2, count=1)
    >>> sorted({int((row == 23.5).sum()) for row in masked})
    [1, 6]
    """
    masked = spectrogram.copy()
    mean = spectrogram.mean()
    frames, bands = spectrogram.shape
    for _ in range(count):
        masked[_stretch(frames, min(time, frames // 4), rng)] = mean
        masked[:, _stretch(bands, min(frequency, bands), rng)] = mean
    return masked


def _stretch(length, widest, rng):
    """Where a mask lies: first its width, from 0 to `widest`, then its place, each drawn uniformly."""
    width = int(rng.integers(widest + 1))
    start = int(rng.integers(length - width + 1))
    return slice(start, start + width)
