"""From sounds to what the recogniser sees: log-mel spectrograms, normalised one by one,
and how they vary in training."""

import math

import numpy as np

from ... import functional as F
from ...data.speech import add_noise, change_gain, change_speed, mask_spectrogram
from .data import RATE

__all__ = ["BANDS", "HOP", "padded", "spectrogram", "spectrograms", "varied"]

BANDS, FRAME, HOP = 40, 256, 80  # mel bands; samples a frame (32 ms) and from frame to frame (10 ms)
EDGE = 400  # samples of silence before and after each sound, so that its ends are seen whole
FLOOR = 2e-6  # power in a band; silence that was cut in is no quieter than a quiet room


def spectrogram(sound, hop=HOP):
    """Samples (L,) to a normalised log-mel spectrogram float32 (T, BANDS)."""
    return _normalised(F.log_mel_spectrogram(np.pad(sound, EDGE), RATE, BANDS, FRAME, hop, floor=FLOOR))


def _normalised(x):
    r"""$(x_{tf} - \mu_f)/\sigma$: each band's mean over the clip goes, and with it the colour of microphone and voice;
    one σ for all."""
    x = x - x.mean(0)
    return x / (x.std() + np.float32(1e-3))


def spectrograms(sounds):
    """Clips to what the model takes: spectrograms (B, T, BANDS) padded with 0, mask (B, T)."""
    return padded([spectrogram(sound) for sound in sounds])


def varied(sound, variation, rng):
    """A training clip as it might have been said: another voice, tempo, room, loudness; parts hidden.

    Playing faster raises pitch and formants and shortens the clip; frames that lie closer together make up for the
    length, and a little more or less is a change of tempo.
    """
    speed, tempo = (math.exp(rng.uniform(-math.log(most), math.log(most)))
                    for most in (variation.speed, variation.tempo))
    sound = add_noise(change_speed(sound, speed), rng.uniform(*variation.snr), rng)
    sound = change_gain(sound, rng.uniform(-variation.gain, variation.gain))
    return mask_spectrogram(spectrogram(sound, round(HOP * tempo / speed)), rng, count=variation.masks)


def padded(clips):
    """Spectrograms (T_i, F) to one array (B, T, F), 0 in the padding, and its mask (B, T)."""
    lengths = np.array([len(clip) for clip in clips])
    x = np.zeros((len(clips), lengths.max(), clips[0].shape[1]), np.float32)
    for row, clip in zip(x, clips):
        row[:len(clip)] = clip
    return x, np.arange(lengths.max()) < lengths[:, None]
