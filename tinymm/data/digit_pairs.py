"""Digits seen and heard: clips and pictures of the same classes, paired anew as often as wanted, and made bad.

Given its class, which picture goes with a clip is drawn at random: the two are independent given the class. So the
product of two perfect single models, p(k | clip) · p(k | picture) / p(k), is the best that any model can do.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..cores import parallel_for
from .files import file_error, named
from .images.digits import draw_digits
from .images.idx import read_mnist
from .images.labelled import LabelledImages
from .speech.augmentation import add_noise, pink_noise
from .speech.digits import official_test, read_spoken_digits
from .speech.voice import draw_speaker, speak
from .splits import stratified_split

__all__ = ["DigitPairs", "degraded", "draw_digit_pairs", "draw_present", "pair_by_class", "read_digit_pairs"]

CLIPS = {"train": 2000, "val": 200, "test": 500}
PICTURES = {"train": 3000, "val": 300, "test": 500}
TEST, VALIDATION = 0.2, 0.1  # shares, where the publisher has no test


@dataclass
class DigitPairs:
    """Clips and pictures of one part; no pair is fixed.

    Attributes
    ----------
    sounds : list of float32 array (T_i,)
    labels : int64 array (N,)
        The digit said in each clip.
    speakers : list of str
    pictures : LabelledImages
        Of the same digits; any number.

    Raises
    ------
    ValueError
        If there is not one label and one speaker to each clip, or a digit is said that is not pictured.

    Examples
    --------
    >>> pixels = np.zeros((3, 1, 4, 4), np.float32)
    >>> pictures = LabelledImages(np.array([7, 7, 2]), list("0123456789"), (1, 4, 4), load=lambda rows: pixels[rows])
    >>> data = DigitPairs([np.zeros(8, np.float32)] * 2, np.array([2, 7]), ["ann", "bob"], pictures)
    >>> data.partners([0], np.random.default_rng(0))
    array([2])
    """

    sounds: list
    labels: np.ndarray
    speakers: Sequence
    pictures: LabelledImages

    def __post_init__(self):
        if not len(self.sounds) == len(self.labels) == len(self.speakers):
            raise ValueError("DigitPairs: needs a label and a speaker for each clip; "
                             f"got {len(self.sounds)} clips, {len(self.labels)} labels, {len(self.speakers)} speakers")
        if missing := sorted(set(self.labels.tolist()) - set(self.pictures.labels.tolist())):
            raise ValueError(f"DigitPairs: every digit that is said must be pictured; got no picture of {missing}")

    def __len__(self):
        return len(self.sounds)

    def partners(self, rows, rng):
        """A picture of the same digit for each of the clips of these rows: int64 (n,), drawn by `pair_by_class`."""
        return pair_by_class(self.labels[np.asarray(rows)], self.pictures.labels, rng)


def pair_by_class(first, second, rng):
    """For each row of the first side one of the second side, of the same class.

    Of each class the rows of the second side are all taken, in random order, before one is taken again.

    Parameters
    ----------
    first : int array (n,)
        The classes of the first side.
    second : int array (m,)
        The classes of the second side.
    rng : numpy.random.Generator

    Returns
    -------
    int64 array (n,)

    Raises
    ------
    ValueError
        Naming the classes of the first side that the second lacks.

    Examples
    --------
    >>> pair_by_class(np.array([1, 0, 1]), np.array([0, 1, 1]), np.random.default_rng(0)).tolist()
    [1, 0, 2]
    """
    first, second = np.asarray(first), np.asarray(second)
    missing = sorted(set(first.tolist()) - set(second.tolist()))
    if missing:
        raise ValueError(f"pair_by_class: every class of the first side must be in the second; got none of {missing}")
    partner = np.empty(len(first), np.int64)
    for label in sorted(set(first.tolist())):
        wanted = np.flatnonzero(first == label)
        own = np.flatnonzero(second == label)
        rounds = [rng.permutation(own) for _ in range(math.ceil(len(wanted) / len(own)))]
        partner[wanted] = np.concatenate(rounds)[:len(wanted)]
    return partner


def degraded(sounds, pictures, rng, snr=None, noise="white", components=None):
    """Pairs with noise in the clips and little left of the pictures.

    Parameters
    ----------
    sounds : list of float array (T_i,)
    pictures : float array (n, C, H, W)
    rng : numpy.random.Generator
    snr : float, optional
        Decibels by which the clip is louder than the noise; below 0 the noise is the louder one.
    noise : {"white", "pink"}
    components : PrincipalComponents, optional
        Fitted on pictures of training; they are projected on it.

    Returns
    -------
    sounds : list of float array (T_i,)
    pictures : float array (n, C, H, W)

    Raises
    ------
    ValueError
        If there is not one picture to each clip, or no such noise.

    Examples
    --------
    >>> sounds, pictures = degraded([np.ones(800)], np.zeros((1, 1, 4, 4)), np.random.default_rng(0), snr=-10.0)
    >>> float(((sounds[0] - 1) ** 2).mean().round(6))
    10.0
    """
    if len(sounds) != len(pictures):
        raise ValueError(f"degraded: needs one picture for each clip; got {len(sounds)} and {len(pictures)}")
    if noise not in ("white", "pink"):
        raise ValueError(f"degraded: noise must be white or pink; got {noise!r}")
    if snr is not None:
        sounds = [add_noise(sound, snr, rng, pink_noise(len(sound), rng) if noise == "pink" else None)
                  for sound in sounds]
    return sounds, pictures if components is None else components.project(pictures)


def draw_present(n, missing, rng):
    """Which sides each of n pairs has, if each side is missing from a share of them; never both.

    Parameters
    ----------
    n : int
    missing : (float, float)
        The share of pairs without the clip, and that of pairs without the picture; at most 1 in sum.
    rng : numpy.random.Generator

    Returns
    -------
    bool array (n, 2)

    Raises
    ------
    ValueError
        If a share is below 0, or their sum above 1.

    Examples
    --------
    >>> draw_present(2, (1.0, 0.0), np.random.default_rng(0))
    array([[False,  True],
           [False,  True]])
    """
    if min(missing) < 0 or sum(missing) > 1:
        raise ValueError(f"draw_present: shares must be at least 0, and at most 1 in sum; got {tuple(missing)}")
    u = rng.random(n)
    return np.stack([u >= missing[0], u < 1 - missing[1]], 1)


def draw_digit_pairs(rng, clips=CLIPS, pictures=PICTURES, size=28):
    """Digits of the embedded voice, every clip by a speaker of its own, and drawn digits.

    Parameters
    ----------
    rng : numpy.random.Generator
    clips, pictures : dict of str to int
        How many "train", "val" and "test" have, at least 10 each.
    size : int
        Pixels a side.

    Returns
    -------
    dict of str to DigitPairs
        Clips have 8,000 samples a second. Digits come equally often, or once more.

    Raises
    ------
    ValueError
        As `DigitPairs`, where there are too few pictures, and `draw_digits`.

    Examples
    --------
    >>> few = {"train": 20, "val": 10, "test": 10}
    >>> parts = draw_digit_pairs(np.random.default_rng(0), few, few, size=8)
    >>> {name: (len(part), part.pictures.size) for name, part in parts.items()}
    {'train': (20, (1, 8, 8)), 'val': (10, (1, 8, 8)), 'test': (10, (1, 8, 8))}
    """
    parts = {}
    for own, name in zip(rng.spawn(len(clips)), clips):
        labels, seen = (own.permutation(np.arange(n) % 10) for n in (clips[name], pictures[name]))
        pixels = draw_digits(seen, own, size)
        images = LabelledImages(seen, list("0123456789"), (1, size, size), load=pixels.__getitem__)
        parts[name] = DigitPairs(_said(labels, own), labels, [f"{name} {i}" for i in range(len(labels))], images)
    return parts


def _said(labels, rng):
    """A clip of each digit, by a speaker of its own."""
    each = rng.spawn(len(labels))  # a Generator for each clip, so that clips can be made side by side
    shares = parallel_for(len(labels), lambda start, stop: [
        speak([labels[i]], draw_speaker(each[i]), each[i]) for i in range(start, stop)], work=math.inf)
    return [sound for share in shares for sound in share]


def read_digit_pairs(directory, images, rng, rate=8000):
    """Recordings in the layout of the Free Spoken Digit Dataset with pictures in that of MNIST.

    Each side is divided by itself: its publisher's test where there is one (takes 0 to 4, the t10k files), or a fifth
    of it; validation is a tenth of the rest. So no clip and no picture is in two parts.

    Parameters
    ----------
    directory : path
        As of `read_spoken_digits`.
    images : path
        As of `read_mnist`.
    rng : numpy.random.Generator
    rate : int
        Samples per second to bring every recording to.

    Returns
    -------
    parts : dict of str to DigitPairs
    notes : dict

    Raises
    ------
    ValueError
        As `read_spoken_digits`, `read_wave` and `read_mnist`; if a digit is only said or only pictured, or a part would
        have no picture of one that is said in it.

    Examples
    --------
    >>> read_digit_pairs("/nowhere/fsdd", "/nowhere/mnist", np.random.default_rng(0))
    Traceback (most recent call last):
    ValueError: /nowhere/fsdd: the folder is not there
    """
    data = read_spoken_digits(directory, rate)
    found = read_mnist(images)
    _check_same_digits(directory, data.digits, images, found["train"].labels)
    official = official_test(data)
    clips = _three(data.digits, official if official.any() else None, rng)
    pictures = found["train"]
    rows = _three(pictures.labels, np.zeros(len(pictures), bool) if "test" in found else None, rng)
    parts = {}
    for name, own in clips.items():
        part = found["test"] if name == "test" and "test" in found else pictures.part(rows[name])
        parts[name] = DigitPairs(data.load(own), data.digits[own], [data.speakers[i] for i in own], part)
    notes = {**data.notes(), "test clips": "takes 0 to 4" if official.any() else f"{TEST:.0%} of the recordings",
             "test pictures": "t10k" if "test" in found else f"{TEST:.0%} of the pictures"}
    return parts, notes


def _check_same_digits(directory, said, images, pictured):
    said, pictured = set(said.tolist()), set(pictured.tolist())
    if lonely := sorted(said ^ pictured):
        sides = [f"{digit} only {'said' if digit in said else 'pictured'}" for digit in lonely]
        raise file_error(images, f"must picture the digits that are said in {named(directory)}; got {', '.join(sides)}")


def _three(labels, test, rng):
    """The rows of each part, class by class; `test` (bool (n,)) says which are for the test, or a fifth is."""
    if test is None:
        rest, own = stratified_split(labels.tolist(), (1 - TEST, TEST), rng)
    else:
        rest, own = np.flatnonzero(~test), np.flatnonzero(test)
    train, val = stratified_split(labels[rest].tolist(), (1 - VALIDATION, VALIDATION), rng)
    return {"train": rest[train], "val": rest[val], "test": own}
