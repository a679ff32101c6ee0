r"""How a clip is said, whatever the words: pitch by autocorrelation and energy, frame by frame, and their statistics.

A frame x of N samples, its mean taken away and tapered by a window w, has the autocorrelation
$r_x(\tau) = \sum_n x_n w_n\, x_{n+\tau} w_{n+\tau}$. It falls with the lag because fewer samples overlap; divided by
that of the window it does not:

$$ c(\tau) = \frac{r_x(\tau)}{r_x(0)} \Big/ \frac{r_w(\tau)}{r_w(0)}. $$

Of a sound with period τ it is 1 at τ, of white noise about 0. The highest peak gives the pitch; its height, the
clarity, tells a voice from noise. All this after a low-pass filter, as the breath of a voice lies above its pitch.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["ProsodyTrack", "prosody_frames", "prosody_statistics", "prosody_track"]

FRAME, HOP = 0.048, 0.010   # seconds: three periods of the lowest pitch; from frame to frame
LOWEST, HIGHEST = 62.5, 500.0  # Hz
PASS = 900.0                # Hz: what is higher is more breath than voice
VOICED = 0.6                # clarity above which a frame has a pitch
OCTAVE_COST = 0.05          # by which a peak an octave lower must be clearer
FLOOR = 1e-9                # power: −90 decibels
BELOW, ABOVE = 0.75, 1.6    # times the lower and upper quartile of a clip's pitch: where its pitch is looked for again
LOUD = 30.0                 # decibels below the loudest frame
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class ProsodyTrack(NamedTuple):
    """Pitch, clarity and energy of each frame: float64 arrays (T,).

    Attributes
    ----------
    pitch : array
        Hz; 0 where there is none.
    clarity : array
        At most about 1; above 0.6 where there is a pitch.
    energy : array
        Decibels of the mean square.

    Examples
    --------
    >>> ProsodyTrack(np.array([110.0]), np.array([0.9]), np.array([-20.0])).pitch
    array([110.])
    """

    pitch: np.ndarray
    clarity: np.ndarray
    energy: np.ndarray


def prosody_track(samples, rate=8000):
    """Follow pitch and energy through a clip, a frame of 48 ms every 10 ms; the middle of frame t is at 10 t ms.

    Parameters
    ----------
    samples : float array (L,)
    rate : int
        Samples per second, at least 2000.

    Returns
    -------
    ProsodyTrack
        Of 1 + ⌊L / (rate/100)⌋ frames. Pitches from 62.5 to 500 Hz are found.

    Raises
    ------
    ValueError
        If there is no sample, one is not finite, or the rate is below 2000.

    References
    ----------
    Boersma (1993), Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
    sampled sound, IFA Proceedings 17, eq. 9; Markel (1972), The SIFT algorithm for fundamental frequency estimation
    (the low-pass filter); De Looze & Hirst (2008), Detecting changes in key and range for the automatic modelling and
    coding of intonation, Speech Prosody (the two passes).

    Examples
    --------
    >>> track = prosody_track(np.sin(2 * np.pi * 200 * np.arange(2400) / 8000))
    >>> track.pitch[10:14].round(1), track.energy[10:14].round(1)
    (array([200., 200., 200., 200.]), array([-3., -3., -3., -3.]))
    """
    samples = np.asarray(samples, np.float64)
    if rate < 4 * HIGHEST or not samples.size or not np.isfinite(samples).all():
        raise ValueError(f"prosody_track: needs finite samples, {4 * HIGHEST:.0f} a second or more; "
                         f"got {samples.size} at {rate}")
    size, hop = 2 * round(FRAME * rate / 2), round(HOP * rate)
    padded = np.pad(samples, size // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]              # (T, N)
    energy = 10 * np.log10((frames * frames).mean(1) + FLOOR)
    c = _autocorrelation(frames - frames.mean(1, keepdims=True), int(rate / LOWEST) + 2, rate)  # (T, lags)
    pitch, clarity = _best_peaks(c, rate, LOWEST, HIGHEST)
    if (pitch > 0).any():  # once more, in the range of this voice: few octaves are mistaken then
        low, high = np.quantile(pitch[pitch > 0], (0.25, 0.75))
        pitch, clarity = _best_peaks(c, rate, max(LOWEST, BELOW * low), min(HIGHEST, ABOVE * high))
    return ProsodyTrack(pitch, clarity, energy)


def _best_peaks(c, rate, lowest, highest):
    """Pitch and clarity of each frame, from the highest peak of its autocorrelation c (T, lags) in a range of Hz."""
    lags = np.arange(int(rate / highest), int(rate / lowest) + 1)
    before, here, after = c[:, lags - 1], c[:, lags], c[:, lags + 1]
    is_peak = (here >= before) & (here > after)
    score = np.where(is_peak, here - OCTAVE_COST * np.log2(lags / lags[0]), -np.inf)    # of several periods, the least
    best = score.argmax(1)
    rows = np.arange(len(c))
    found = is_peak[rows, best]
    b, h, a = before[rows, best], here[rows, best], after[rows, best]
    bend = np.where(found, b - 2 * h + a, -1.0)                                         # below 0 at a peak
    offset = np.where(found, 0.5 * (b - a) / bend, 0.0)                                 # of the parabola through it
    clarity = np.where(found, h, 0.0)
    return np.where(clarity > VOICED, rate / (lags[best] + offset), 0.0), clarity


def _autocorrelation(frames, lags, rate):
    """c(τ) of each low-passed frame for the lags 0 … lags − 1; 0 for a silent frame."""
    size = frames.shape[1]
    length = 1 << (2 * size - 1).bit_length()  # no lag wraps around
    window = np.hanning(size + 2)[1:-1]
    low = 1 / (1 + (np.fft.rfftfreq(length, 1 / rate) / PASS) ** 8)  # a Butterworth filter's power

    def r(x, weight):
        spectrum = np.fft.rfft(x, length)
        return np.fft.irfft((spectrum.real**2 + spectrum.imag**2) * weight, length)[..., :lags]

    found, taper = r(frames * window, low), r(window, 1.0)
    is_silent = found[:, :1] <= FLOOR * size * 1e-3
    return np.where(is_silent, 0.0, found / np.where(is_silent, 1.0, found[:, :1])) / (taper / taper[0])


def prosody_frames(samples, rate=8000):
    r"""A clip as a sequence for a model that is to hear the tone and not the words.

    Parameters
    ----------
    samples : float array (L,)
    rate : int
        Samples per second.

    Returns
    -------
    float32 array (T, 3)
        Of each frame of `prosody_track`: the pitch in quarter octaves above the clip's median, 0 where there is none;
        1 where there is one, else 0; the energy in decibels below the loudest frame, /20, + 1.

    Raises
    ------
    ValueError
        As `prosody_track`.

    Examples
    --------
    >>> t = np.arange(2400) / 8000
    >>> frames = prosody_frames(np.sin(2 * np.pi * np.where(t < 0.2, 100, 200) * t))
    >>> frames.shape, frames[[10, 26]].round(1).tolist()
    ((31, 3), [[0.0, 1.0, 1.0], [4.0, 1.0, 1.0]])
    """
    track = prosody_track(samples, rate)
    voiced = track.pitch > 0
    octaves = np.log2(np.maximum(track.pitch, LOWEST))
    middle = np.median(octaves[voiced]) if voiced.any() else 0.0
    return np.stack([np.where(voiced, 4 * (octaves - middle), 0.0), voiced,
                     (track.energy - track.energy.max()) / 20 + 1], 1).astype(np.float32)


def prosody_statistics(samples, rate=8000):
    r"""A clip as one vector: how pitch, its movement, energy and clarity are distributed over the clip.

    =========== ==========================================================================================
    0 to 4      the pitch in octaves above 62.5 Hz, over voiced frames: quantiles of 5, 25, 50, 75, 95 %
    5, 6, 7     its mean, standard deviation, and slope, in octaves a clip
    8, 9        its change from frame to frame: mean size, standard deviation
    10 to 13    the energy in decibels, over loud frames: quantiles of 5, 25, 50, 75 % less that of 95 %
    14, 15      the quantile of 95 %, the standard deviation
    16, 17      its change: mean size, standard deviation
    18, 19      the clarity, over loud frames: mean, standard deviation
    20, 21, 22  the share of frames that are voiced, the share that are loud, the seconds that are loud
    =========== ==========================================================================================

    A frame is loud if it has at least the energy of the loudest less 30 decibels, voiced if it is loud and has a pitch.
    Where there is no frame, and so nothing to say, a number is 0.

    Parameters
    ----------
    samples : float array (L,)
    rate : int
        Samples per second.

    Returns
    -------
    float32 array (23,)

    Raises
    ------
    ValueError
        As `prosody_track`.

    Examples
    --------
    >>> x = prosody_statistics(np.sin(2 * np.pi * 125 * np.arange(4000) / 8000))
    >>> x.shape, float(x[2].round(2)), float(x[6].round(2))
    ((23,), 1.0, 0.0)
    """
    track = prosody_track(samples, rate)
    loud = track.energy >= track.energy.max() - LOUD
    voiced = loud & (track.pitch > 0)
    octaves = np.log2(np.maximum(track.pitch, LOWEST) / LOWEST)
    place = np.linspace(-0.5, 0.5, len(loud))
    levels = np.quantile(track.energy[loud], QUANTILES)
    return np.array([
        *(np.quantile(octaves[voiced], QUANTILES) if voiced.any() else np.zeros(5)),
        *_moments(octaves[voiced]), _slope(place[voiced], octaves[voiced]), *_movement(octaves, voiced),
        *(levels[:-1] - levels[-1]), levels[-1], track.energy[loud].std(), *_movement(track.energy, loud),
        *_moments(track.clarity[loud]),
        voiced.mean(), loud.mean(), HOP * loud.sum(),
    ], np.float32)


def _moments(x):
    """Mean and standard deviation."""
    return (x.mean(), x.std()) if len(x) else (0.0, 0.0)


def _slope(place, x):
    """Of the least-squares line through x."""
    if len(x) < 2:
        return 0.0
    place = place - place.mean()
    return (place @ x) / (place @ place)


def _movement(x, chosen):
    """Mean size and standard deviation of the change between neighbouring frames that are both chosen."""
    change = np.diff(x)[chosen[1:] & chosen[:-1]]
    return (np.abs(change).mean(), change.std()) if len(change) else (0.0, 0.0)
