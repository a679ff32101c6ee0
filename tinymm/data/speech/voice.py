r"""A small voice: digits, and whatever else is spelled in phonemes, synthesised by source and filter, for any number
of speakers.

$$ \text{sound} = \Delta\left[(v\,g + b\,n_1) * R_1 * R_2 * R_3 * R_4 \;+\; h\, n_2 * R_h\right] $$

g are the pulses of the glottis, n noise, R resonators at the formants; v, b, h are the amplitudes of voice, breath and
hiss; the difference Δ stands for the radiation at the lips. Amplitudes and formants follow the targets of the phonemes,
smoothed in time: that is coarticulation, and it reaches from one digit of a string into the next.
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d

from .phonemes import DIGITS, PHONEMES, Phoneme
from .resonators import glottal_pulses, resonate

__all__ = ["SILENCE", "Speaker", "draw_speaker", "speak", "synthesise", "tracks"]

FOURTH = 3500.0  # F4 in Hz, the same for all sounds
BANDWIDTHS = (70.0, 90.0, 130.0, 200.0)  # of F1 to F4, Hz
GLIDE = 0.07  # seconds over which formants move from one target to the next
FADE = 0.015  # ... and amplitudes
WANDER = 0.05  # standard deviation of a sound's formants about their targets, relative to them
FLUTTER = 0.02  # standard deviation of a sound's pitch, relative to it
SILENCE = Phoneme(formants=(450, 1450, 2450), duration=0.0)  # a pause: the mouth at rest


class Speaker(NamedTuple):
    """Who speaks.

    Attributes
    ----------
    pitch : float
        Hz, at the beginning of a string; when it says digits, it falls by a fifth towards the end.
    size : float
        Factor on all formants; large for a short vocal tract.
    rate : float
        Factor on the speed.
    breath : float
        Noise added to the voice, as a share of it.

    Examples
    --------
    >>> Speaker(pitch=120.0, size=1.0, rate=1.0, breath=0.02).pitch
    120.0
    """

    pitch: float
    size: float
    rate: float
    breath: float


def draw_speaker(rng):
    """A speaker at random; high voices tend to have short vocal tracts.

    Examples
    --------
    >>> 80 < draw_speaker(np.random.default_rng(0)).pitch < 270
    True
    """
    height = rng.random()  # of the voice
    return Speaker(
        pitch=float(90 * 2.6 ** (0.8 * height + 0.2 * rng.random())),
        size=float(0.88 + 0.26 * height + 0.06 * rng.random()),
        rate=float(np.exp(rng.uniform(-0.25, 0.25))),
        breath=float(rng.uniform(0.0, 0.06)),
    )


def speak(digits, speaker, rng, rate=8000, snr=(15.0, 40.0)):
    """Say a string of digits.

    Parameters
    ----------
    digits : sequence of int
        From 0 to 9.
    speaker : Speaker
    rng : numpy.random.Generator
        Draws the pauses, how far each sound misses its targets, all noise, and the loudness.
    rate : int
        Samples per second.
    snr : (float, float)
        The least and the most decibels by which the voice is louder than the noise of the room.

    Returns
    -------
    float32 array (T,)
        In [−1, 1].

    Raises
    ------
    ValueError
        If there is no digit, or one is not from 0 to 9.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sound = speak([4, 2], draw_speaker(rng), rng)
    >>> sound.dtype, 0.4 < len(sound) / 8000 < 2.0
    (dtype('float32'), True)
    """
    if not len(digits) or not all(0 <= d <= 9 for d in digits):
        raise ValueError(f"speak: needs at least one digit from 0 to 9; got {list(digits)}")
    track = tracks(_segments(digits, speaker, rng), speaker, rng, rate)
    sound = synthesise(track, speaker, rng, rate, snr)
    return (sound * (rng.uniform(0.2, 0.9) / np.abs(sound).max())).astype(np.float32)


def synthesise(track, speaker, rng, rate=8000, snr=(15.0, 40.0)):
    """The sound of the settings that `tracks` gives, in a room with noise.

    Parameters
    ----------
    track : dict
        As `tracks` gives it; the pitch and the amplitudes may have been changed since.
    speaker : Speaker
    rng : numpy.random.Generator
        Draws all noise, and how loud the room's is.
    rate : int
        Samples per second.
    snr : (float, float)
        The least and the most decibels by which the voice is louder than the noise of the room.

    Returns
    -------
    float64 array (T,)
        At no level in particular.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> speaker = draw_speaker(rng)
    >>> synthesise(tracks([(PHONEMES["IY"], 0.1)], speaker, rng, 8000), speaker, rng).shape
    (800,)
    """
    voiced = track["voice"] * (glottal_pulses(track["pitch"], rate)
                               + speaker.breath * rng.standard_normal(len(track["voice"])))
    sound = voiced + 0.3 * track["breath"] * rng.standard_normal(len(voiced))
    for formant, bandwidth in zip(track["formants"], BANDWIDTHS):
        sound = resonate(sound, formant, bandwidth * speaker.size, rate)                # R₁ … R₄ in cascade
    hiss = track["hiss"] * rng.standard_normal(len(sound))
    sound += resonate(hiss, np.minimum(track["place"], 0.47 * rate), track["width"], rate)
    sound = np.diff(sound, prepend=0.0)                                                 # Δ
    power = (sound * sound).mean()
    return sound + np.sqrt(power) * 10 ** (-rng.uniform(*snr) / 20) * rng.standard_normal(len(sound))


def tracks(segments, speaker, rng, rate, fall=0.8):
    """The settings of the synthesiser at every sample.

    Parameters
    ----------
    segments : sequence of (Phoneme, float)
        Targets, and how many seconds each is held.
    speaker : Speaker
    rng : numpy.random.Generator
    rate : int
    fall : float
        The pitch at the end, as a share of that at the beginning.

    Returns
    -------
    dict
        "formants" (4, T) and "pitch" (T,) in Hz; the amplitudes "voice", "breath", "hiss", and "place" and
        "width" of the hiss, each (T,).
    """
    lengths = [max(1, round(seconds * rate)) for _, seconds in segments]

    def held(values, seconds):
        """Each segment's value, held over its samples, then smoothed by two running means: a triangular window."""
        samples = np.repeat(np.asarray(values, np.float64), lengths)
        width = max(1, round(seconds * rate / 2))
        for _ in range(2):
            samples = uniform_filter1d(samples, width, mode="nearest")
        return samples

    misses = np.exp(WANDER * rng.standard_normal((3, len(segments))))
    targets = np.array([phoneme.formants for phoneme, _ in segments]).T * misses         # (3, sounds)
    formants = [speaker.size * held(row, GLIDE) for row in (*targets, np.full(len(segments), FOURTH))]
    flutter = held(np.exp(FLUTTER * rng.standard_normal(len(segments))), 4 * GLIDE)
    line = np.linspace(1.0, fall, sum(lengths))
    sources = {name: held([getattr(phoneme, name) for phoneme, _ in segments], FADE)
               for name in ("voice", "breath", "hiss", "place", "width")}
    return {**sources, "formants": np.minimum(formants, 0.48 * rate), "pitch": speaker.pitch * line * flutter}


def _segments(digits, speaker, rng):
    """The sounds of a string and their seconds; with pauses before, after and (unless drawn as 0) between digits."""
    before = rng.uniform(0.05, 0.12)
    between = np.maximum(0.0, rng.uniform(-0.04, 0.10, len(digits) - 1))
    after = rng.uniform(0.05, 0.12)
    segments = [(SILENCE, before)]
    for digit, pause in zip(digits, [*between, after]):
        for name in DIGITS[digit]:
            sound = PHONEMES[name]
            stretch = float(np.exp(0.15 * rng.standard_normal()))
            segments.append((sound, sound.duration / speaker.rate * stretch))
        if pause:
            segments.append((SILENCE, pause))
    return segments
