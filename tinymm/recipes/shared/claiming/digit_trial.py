"""Complementarity on real digits: recordings and pictures of the same classes, paired anew for every seed.

Given the digit the two are independent, and either tells nearly all: little is left to gain where both are clean. The
second trial adds noise to the recordings and takes most of the pictures away. In both, speakers are left out by turns.
"""

import numpy as np

from ....data import degraded, read_digit_pairs
from ....data.images import fit_components
from ....encoders import AudioRecurrent, ConvEncoder
from ..plan import Plan
from ..sounds import BANDS, HOP, RATE, spectrogram
from .contenders import Examples, frequencies
from .new_speakers import SpokenTrial, groups_left_out
from .trials import SINGLES

__all__ = ["DigitTrial", "digit_trials", "framed", "heard"]

DIGITS, SIDE = 10, 32
LENGTH = 72  # steps of a spectrogram, 10 ms each; the rest is cut, and what is shorter is filled with its mean
SNR, KEPT = -10.0, 4  # decibels; principal components of a picture
GROUPS = 3  # of speakers; each is new in one fold


def digit_trials(run, share):
    """Both trials on the folders of a run: clean digits, and noisy ones."""
    pairs, _ = read_digit_pairs(run.data, run.options["images"], run.rng(35), RATE)
    pictures = pairs["train"].pictures
    components = fit_components(pictures.load(np.arange(min(len(pictures), 5000))), KEPT)
    folds = groups_left_out({part: some.speakers for part, some in pairs.items()}, GROUPS, run.rng(36))
    return [DigitTrial(run, share, "digits", 200, pairs, folds, {}),
            DigitTrial(run, share, "digits, noisy", 201, pairs, folds, {"snr": SNR, "components": components})]


def heard(sounds, length, hop):
    """Spectrograms of sounds, cut or filled with their mean to so many steps: float32 (N, length, BANDS)."""
    x = np.zeros((len(sounds), length, BANDS), np.float32)
    for row, sound in zip(x, sounds):
        steps = spectrogram(sound, hop)[:length]
        row[:len(steps)] = steps
    return x


def framed(pictures, side):
    """Pictures (N, C, H, W) in the middle of black ones: float32 (N, C, side, side)."""
    high, wide = (side - own for own in pictures.shape[2:])
    frame = (0, 0), (0, 0), (high // 2, high - high // 2), (wide // 2, wide - wide // 2)
    return np.pad(pictures, frame).astype(np.float32)


class DigitTrial(SpokenTrial):
    """Digits said and pictured; the first modality is the spectrogram.

    Parameters
    ----------
    run, share, name, key
        As of `Trial`.
    pairs : dict of str to DigitPairs
    folds : sequence of Fold
    noise : dict
        Options of `degraded`.
    """

    kind = "digits"
    parameters = 40_000
    plan = Plan(batch_size=32, steps=400, peak_rate=1e-3, weight_decay=0.05, replicas=1)

    def __init__(self, run, share, name, key, pairs, folds, noise):
        self.pairs, self.noise = pairs, noise
        val, test = (self._paired(part, np.arange(len(pairs[part])), run.rng(31, key, number))
                     for number, part in enumerate(("val", "test")))
        prior = frequencies(pairs["train"].labels, DIGITS)
        asked = {part: lambda fold: fold.known for part in ("test", *(f"{name} permuted" for name in SINGLES))}
        if any(len(fold.new) for fold in folds):
            self.speakers = "test", "new speakers"
            asked["new speakers"] = lambda fold: fold.new
        super().__init__(run, share, name, key, prior, val, test, folds, asked)

    def encoder(self, place, rng):
        """What reads a modality."""
        if place == 0:
            return AudioRecurrent(BANDS, 32, channels=(8, 8), halvings=2, rng=rng)
        return ConvEncoder(((8,), (16,), (16,)), SIDE, channels=1, glance=2, rng=rng)

    def drawn(self, rows, rng):
        """Examples to learn from, of some recordings: other partners and other noise each time."""
        return self._paired("train", rows, rng)

    def _paired(self, part, rows, rng):
        """Spectrograms and pictures of a part, each recording with a picture of the same digit."""
        pairs = self.pairs[part]
        pictures = pairs.pictures.load(pairs.partners(rows, rng))
        sounds, pictures = degraded([pairs.sounds[row] for row in rows], pictures, rng, **self.noise)
        return Examples((heard(sounds, LENGTH, HOP), framed(pictures, SIDE)), pairs.labels[rows])
