"""Digits said and pictured, and noise in either: the claim on noise, on real recordings and pictures.

Sounds are told apart from their noise by decibels: at severity s there are 20 - 40 s of them, from a quiet room to a
noise of a hundred times the power of the voice.
"""

from typing import NamedTuple

import numpy as np

from ....data import blurred, occluded, read_digit_pairs
from ....data.speech import add_noise, pink_noise
from ....encoders import AudioRecurrent, ConvEncoder
from ..plan import Plan
from ..sounds import BANDS, HOP, RATE
from .contenders import Examples, frequencies
from .digit_trial import DIGITS, LENGTH, SIDE, framed, heard
from .noisy_world import NoisyWorld

__all__ = ["SWEEPS", "SpokenPairs", "snr_at", "spoken_digits"]

MODALITIES = ("sound", "picture")


class SpokenPairs(NamedTuple):
    """Sounds, a list of (T_i,); pictures (N, 1, H, W); labels (N,)."""

    sounds: list
    pictures: np.ndarray
    labels: np.ndarray

    def examples(self, missing=None):
        """What the contenders take: spectrograms (N, LENGTH, BANDS), pictures (N, 1, SIDE, SIDE), and who is there."""
        present = np.ones((len(self.labels), 2), bool)
        if missing is not None:
            present[:, MODALITIES.index(missing)] = False
        return Examples((heard(self.sounds, LENGTH, HOP), framed(self.pictures, SIDE), present), self.labels)


def snr_at(severity):
    """Decibels by which the voice is louder than the noise.

    Examples
    --------
    >>> [snr_at(severity) for severity in (0.25, 0.5, 1.0)]
    [10.0, 0.0, -20.0]
    """
    return 20.0 - 40.0 * severity


def _with(noise):
    """What adds noise, ``noise(sound, snr, rng)``; of one seed the same at each severity, but louder."""
    def change(pairs, severity, rng):
        severities = np.broadcast_to(severity, len(pairs.sounds))
        return pairs._replace(sounds=[
            noise(sound, snr_at(own), each) if own else sound
            for sound, own, each in zip(pairs.sounds, severities, rng.spawn(len(pairs.sounds)))])

    return change


def _pink(sound, snr, rng):
    return add_noise(sound, snr, rng, pink_noise(len(sound), rng))


def _blur(pairs, severity, rng):
    return pairs._replace(pictures=blurred(pairs.pictures, severity))


def _occlusion(pairs, severity, rng):
    return pairs._replace(pictures=occluded(pairs.pictures, severity, rng))


SWEEPS = {
    "white noise": (_with(add_noise),), "pink noise": (_with(_pink),), "blur": (_blur,), "occlusion": (_occlusion,),
    "both seen": (_with(add_noise), _blur), "both new": (_with(_pink), _occlusion),
}


def spoken_digits(run):
    """The world of the digits in a run's folders: NoisyWorld.

    Raises
    ------
    ValueError
        As `read_digit_pairs`.
    """
    parts, _ = read_digit_pairs(run.data, run.options["images"], run.rng(35), RATE)

    def draw(part, rng):
        pairs = parts[part]
        return SpokenPairs(pairs.sounds, pairs.pictures.load(pairs.partners(np.arange(len(pairs)), rng)), pairs.labels)

    return NoisyWorld(
        modalities=MODALITIES,
        draw=draw,
        prior=frequencies(parts["train"].labels, DIGITS),
        encoders=_encoders,
        parameters=40_000,
        plan=Plan(batch_size=32, steps=500, peak_rate=1e-3, weight_decay=0.05, replicas=1),
        rates=(1e-3, 3e-3, 1e-2),
        sweeps=SWEEPS,
        seen=("white noise", "blur"),
        new={"new in sound": ("pink noise",), "new in picture": ("occlusion",)},
        example={"white noise": 0.5, "blur": 0.5},
        ceilings={},
    )


def _encoders(rng):
    return {"sound": AudioRecurrent(BANDS, 32, channels=(8, 8), halvings=2, rng=rng),
            "picture": ConvEncoder(((8,), (16,), (16,)), SIDE, channels=1, glance=2, rng=rng)}
