"""Complementarity on real digits: recordings and pictures of the same classes, paired anew for every seed.

Given the digit the two are independent, and either tells nearly all: little is left to gain where both are clean. The
second trial adds noise to the recordings and takes most of the pictures away.
"""

import numpy as np

from ....data import degraded, read_digit_pairs
from ....data.images import fit_components
from ....encoders import AudioRecurrent, ConvEncoder
from ..plan import Plan
from ..sounds import BANDS, RATE, spectrogram
from .contenders import Examples
from .trials import REPLACED, SHUFFLED, Trial

__all__ = ["DigitTrial", "digit_trials"]

DIGITS, SIDE = 10, 32
LENGTH = 72  # steps of a spectrogram, 10 ms each; the rest is cut, and what is shorter is filled with its mean
SNR, KEPT = -10.0, 4  # decibels; principal components of a picture


def digit_trials(run, share):
    """Both trials on the folders of a run: clean digits, and noisy ones."""
    pairs, _ = read_digit_pairs(run.data, run.options["images"], run.rng(35), RATE)
    pictures = pairs["train"].pictures
    components = fit_components(pictures.load(np.arange(min(len(pictures), 5000))), KEPT)
    return [DigitTrial(run, share, "digits", 200, pairs, {}),
            DigitTrial(run, share, "digits, noisy", 201, pairs, {"snr": SNR, "components": components})]


class DigitTrial(Trial):
    """Digits said and pictured; the first modality is the spectrogram.

    Parameters
    ----------
    run, share, name, key
        As of `Trial`.
    pairs : dict of str to DigitPairs
    noise : dict
        Options of `degraded`.
    """

    kind = "digits"
    parameters = 40_000
    plan = Plan(batch_size=32, steps=600, peak_rate=1e-3, weight_decay=0.05, replicas=1)

    def __init__(self, run, share, name, key, pairs, noise):
        self.pairs, self.noise = pairs, noise
        val, test = (self._paired(part, run.rng(31, key, number)) for number, part in enumerate(("val", "test")))
        prior = np.bincount(pairs["train"].labels, minlength=DIGITS) / len(pairs["train"])
        super().__init__(run, share, name, key, prior, val, test)

    def training(self, change, rng):
        """Examples to learn from: other partners and other noise each time."""
        examples = self._paired("train", rng)
        if change == REPLACED:
            return examples.permuted(1, rng)
        return Examples(examples.inputs, rng.permutation(examples.labels)) if change == SHUFFLED else examples

    def encoder(self, place, rng):
        """What reads a modality."""
        if place == 0:
            return AudioRecurrent(BANDS, 32, channels=(8, 8), halvings=2, rng=rng)
        return ConvEncoder(((8,), (16,), (16,)), SIDE, channels=1, glance=2, rng=rng)

    def _paired(self, part, rng):
        """Spectrograms and pictures of a part, each recording with a picture of the same digit."""
        pairs = self.pairs[part]
        pictures = pairs.pictures.load(pairs.partners(np.arange(len(pairs)), rng))
        sounds, pictures = degraded(pairs.sounds, pictures, rng, **self.noise)
        heard = np.zeros((len(sounds), LENGTH, BANDS), np.float32)
        for row, sound in zip(heard, sounds):
            x = spectrogram(sound)[:LENGTH]
            row[:len(x)] = x
        high, wide = (SIDE - side for side in pictures.shape[2:])
        frame = (0, 0), (0, 0), (high // 2, high - high // 2), (wide // 2, wide - wide // 2)
        return Examples((heard, np.pad(pictures, frame).astype(np.float32)), pairs.labels)
