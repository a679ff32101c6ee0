"""From sounds to what models of speech see: normalised log-mel spectrograms, and how they vary in training."""

import math
from dataclasses import dataclass

import numpy as np

from ... import functional as F
from ...data.speech import add_noise, change_gain, change_speed, mask_spectrogram, prosody_statistics
from .baselines import logistic_regression

__all__ = ["BANDS", "EDGE", "RATE", "Variation", "classified", "outline", "padded", "spectrogram", "voice_statistics",
           "wide_statistics"]

RATE = 8000  # samples a second; telephone speech, and the FSDD
BANDS, FRAME, HOP = 40, 256, 80  # mel bands; samples a frame (32 ms) and from frame to frame (10 ms)
EDGE = 400  # samples of silence before and after each sound, so that its ends are seen whole
CEPSTRA = 12  # coefficients of the shape of a spectrum; the one before them is its level
LEVEL = 14  # of `prosody_statistics`: the one number that is a level in decibels
FLOOR = 2e-6  # power in a band; silence that was cut in is no quieter than a quiet room


def spectrogram(sound, hop=HOP):
    r"""Samples (L,) to a log-mel spectrogram float32 (T, BANDS), normalised: $(x_{tf} - \mu_f)/\sigma$.

    Each band's mean over the clip goes, and with it the colour of microphone and voice; one σ for all bands.
    """
    x = F.log_mel_spectrogram(np.pad(sound, EDGE), RATE, BANDS, FRAME, hop, floor=FLOOR)
    x = x - x.mean(0)
    return x / (x.std() + np.float32(1e-3))


def padded(clips):
    """Spectrograms (T_i, F) to one array (B, T, F), 0 in the padding, and its mask (B, T)."""
    lengths = np.array([len(clip) for clip in clips])
    x = np.zeros((len(clips), lengths.max(), clips[0].shape[1]), np.float32)
    for row, clip in zip(x, clips):
        row[:len(clip)] = clip
    return x, np.arange(lengths.max()) < lengths[:, None]


@dataclass(frozen=True)
class Variation:
    """How much a training clip changes from one epoch to the next; called, it gives the spectrogram of a changed clip.

    Playing faster raises pitch and formants and shortens the clip; frames that lie closer together make up for the
    length, and a little more or less is a change of tempo.

    Attributes
    ----------
    speed : float
        Largest factor up or down on pitch and formants, at the same length: a speaker of another size.
    tempo : float
        Largest factor up or down on the length.
    snr : (float, float)
        Decibels above noise.
    gain : float
        Largest change of the level in decibels.
    masks : int
        Of SpecAugment, at most, in time and in frequency each.
    hop : int
        Samples from frame to frame, before the tempo changes.
    """

    speed: float
    tempo: float
    snr: tuple
    gain: float = 10.0
    masks: int = 2
    hop: int = HOP

    def __call__(self, sound, rng):
        """Samples (L,) to a spectrogram (T, BANDS)."""
        speed = math.exp(rng.uniform(-math.log(self.speed), math.log(self.speed)))
        tempo = math.exp(rng.uniform(-math.log(self.tempo), math.log(self.tempo)))
        sound = add_noise(change_speed(sound, speed), rng.uniform(*self.snr), rng)
        sound = change_gain(sound, rng.uniform(-self.gain, self.gain))
        return mask_spectrogram(spectrogram(sound, round(self.hop * tempo / speed)), rng, count=self.masks)


def outline(x, stretches=8):
    """A spectrogram (T, F) of any length as one vector: the mean over each of so many equal stretches of time."""
    edges = np.linspace(0, len(x), stretches + 1)
    starts = np.minimum(edges[:-1].astype(int), len(x) - 1)
    stops = np.maximum(np.ceil(edges[1:]).astype(int), starts + 1)
    return np.concatenate([x[start:stop].mean(0) for start, stop in zip(starts, stops)])


def classified(train, labels, test, classes):
    """Logistic regression on outlines: the class of each spectrogram of `test`."""
    known, new = (np.array([outline(x) for x in part]) for part in (train, test))
    mean, scale = known.mean(0), known.std(0) + np.float32(1e-6)
    return logistic_regression((known - mean) / scale, labels, (new - mean) / scale, classes, penalty=1e-2)


def voice_statistics(sound):
    """How samples (L,) sound on the whole: float32 (103,).

    The mean and the standard deviation of each mel band over the louder three quarters of all frames, then
    `prosody_statistics`.
    """
    x = F.log_mel_spectrogram(sound, RATE, BANDS, FRAME, HOP, floor=FLOOR)
    level = x.mean(1)
    louder = x[level >= np.quantile(level, 0.25)]
    return np.concatenate([louder.mean(0), louder.std(0), prosody_statistics(sound, RATE)]).astype(np.float32)


def wide_statistics(sound):
    r"""More of how samples (L,) sound on the whole, but not how loud: float32 (298,).

    Over the louder three quarters of all frames, less their mean level: of each log-mel band the mean, the standard
    deviation, the quantiles of 10, 50 and 90 %, and the mean size $|x_{tf} - x_{t-1,f}|$ of its change; of each
    cepstral coefficient, which is the discrete cosine transform of the bands, the mean, the standard deviation and that
    of its change; then `prosody_statistics` without its level.
    """
    sound = np.pad(sound, (0, max(0, FRAME - len(sound))))               # a whole frame at least
    x = F.log_mel_spectrogram(sound, RATE, BANDS, FRAME, HOP, floor=FLOOR)
    cepstra = (x @ F.create_dct(1 + CEPSTRA, BANDS))[:, 1:]
    change, cepstral_change = (np.diff(y, axis=0, prepend=y[:1]) for y in (x, cepstra))
    level = x.mean(1)
    louder = level >= np.quantile(level, 0.25)
    bands = x[louder] - level[louder].mean()
    return np.concatenate([
        bands.mean(0), bands.std(0), *np.quantile(bands, (0.1, 0.5, 0.9), axis=0), np.abs(change[louder]).mean(0),
        cepstra[louder].mean(0), cepstra[louder].std(0), cepstral_change[louder].std(0),
        np.delete(prosody_statistics(sound, RATE), LEVEL),
    ]).astype(np.float32)
