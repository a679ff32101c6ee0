"""Speakers who are new in the test: a contender is trained several times, each time without some of them.

A speaker who is held out once says little: people differ more than clips do. So each is held out in turn, and a clip is
answered by the trainings that are asked about it (Fold). Where a clip is answered both by some that know its speaker
and by one that does not, the difference is of the same clip.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .contenders import Examples, is_right, learned
from .trials import REPLACED, SHUFFLED, Trial

__all__ = ["Fold", "SpokenTrial", "each_left_out", "groups_left_out"]


class Fold(NamedTuple):
    """One training of several: int arrays, numbers of clips.

    Attributes
    ----------
    train, val : array
    known : array
        Clips of the test whose speakers are in `train`; these clips are not.
    new : array
        Clips of the test whose speakers are not.
    """

    train: np.ndarray
    val: np.ndarray
    known: np.ndarray
    new: np.ndarray


def groups_left_out(speakers, count, rng):
    """Folds of clips that are divided already, into parts with the same speakers; a group of these is new in each fold.

    Parameters
    ----------
    speakers : dict of str to sequence of str
        Of "train", "val" and "test" who says each clip.
    count : int
        Groups. Where there are fewer speakers to learn from, there is one fold, and nobody is new.
    rng : numpy.random.Generator
        Draws the groups.

    Returns
    -------
    list of Fold
        Clips of the test by somebody who is nowhere in training are in none, unless nobody is left out.

    Examples
    --------
    >>> parts = {"train": ["ann", "bob", "cem"], "val": ["ann"], "test": ["bob", "ann", "bob"]}
    >>> for fold in groups_left_out(parts, 3, np.random.default_rng(0)):
    ...     print(*fold)
    [0 1] [0] [0 1 2] []
    [1 2] [] [0 2] [1]
    [0 2] [0] [1] [0 2]
    """
    names = rng.permutation(sorted(set(speakers["train"])))
    if len(names) < count:
        every = {part: np.arange(len(some)) for part, some in speakers.items()}
        return [Fold(every["train"], every["val"], every["test"], np.arange(0))]
    folds = []
    for new in np.array_split(names, count):
        known = np.setdiff1d(names, new)
        by_known = {part: np.flatnonzero(np.isin(some, known)) for part, some in speakers.items()}
        folds.append(Fold(by_known["train"], by_known["val"], by_known["test"],
                          np.flatnonzero(np.isin(speakers["test"], new))))
    return folds


def each_left_out(speakers: Sequence, rng):
    """Folds of clips that nobody has divided: each speaker is new in one fold, and the next one is validated on.

    Of each of the others a share is put aside, a fifth if there are five speakers, and tested on too. A clip is put
    aside in one fold at most.

    Parameters
    ----------
    speakers : sequence of str
        Who says each clip; three of them or more.
    rng : numpy.random.Generator

    Returns
    -------
    list of Fold

    Raises
    ------
    ValueError
        If there are fewer than three speakers.

    Examples
    --------
    >>> folds = each_left_out(["ann", "bob", "cem", "dov"] * 5, np.random.default_rng(0))
    >>> [len(fold.train) for fold in folds], [len(fold.known) for fold in folds], [len(fold.new) for fold in folds]
    ([6, 8, 7, 6], [4, 2, 3, 4], [5, 5, 5, 5])
    """
    names = rng.permutation(sorted(set(speakers)))
    if len(names) < 3:
        raise ValueError("each_left_out: needs three speakers, to learn from, to choose by and to test on; "
                         f"got {', '.join(names)}")
    place = np.array([names.tolist().index(name) for name in speakers])
    aside = rng.integers(len(names), size=len(speakers))                 # at which distance; never, at 0 and at 1
    folds = []
    for number in range(len(names)):
        distance = (place - number) % len(names)
        folds.append(Fold(np.flatnonzero((distance > 1) & (distance != aside)), np.flatnonzero(distance == 1),
                          np.flatnonzero((distance > 1) & (distance == aside)), np.flatnonzero(distance == 0)))
    return folds


class SpokenTrial(Trial):
    """A trial of clips, whose contenders are trained once for each fold; the score of an item is the mean over folds.

    A subclass says what a training sees (`drawn`) and what reads a modality (`encoder`).

    Parameters
    ----------
    run, share, name, key, prior, val, test
        As of `Trial`.
    folds : sequence of Fold
    asked : dict of str to callable
        By part of the test, ``asked(fold)`` gives the clips that the training of a fold is asked about; "val" is all
        of its own. A clip that no fold is asked about is no item of the part.
    """

    def __init__(self, run, share, name, key, prior, val, test, folds, asked):
        super().__init__(run, share, name, key, prior, val, test)
        self.parts |= {part: test for part in asked if part not in self.parts}
        self.folds, self.asked = folds, {"val": lambda fold: fold.val} | asked

    def fit(self, kind, change, rate, seed, report):
        """Train a contender once for each fold, and test it: dict of part to (N,) array."""
        sums, counts = ({part: np.zeros(len(self.parts[part])) for part in self.asked} for _ in range(2))
        for number, fold in enumerate(self.folds):
            model = self.model(kind, np.random.default_rng([seed, 33, self.key, number]))
            rng = np.random.default_rng([seed, 36, self.key, number])    # the same examples for all of a seed
            data = self.training(change, rng, fold.train)
            scaled = self.scaled(data)
            learned(self.run, replace(self.plan, peak_rate=rate), model, scaled(data), seed,
                    lambda done, number=number: report((number + done) / len(self.folds)))
            for part, asked in self.asked.items():
                rows = asked(fold)
                if len(rows):
                    sums[part][rows] += is_right(model, scaled(self.parts[part].part(rows)))
                    counts[part][rows] += 1
        return {part: sums[part][count > 0] / count[count > 0] for part, count in counts.items()}

    def training(self, change, rng, rows):
        """Examples to learn from: those of some clips, changed or not (None)."""
        examples = self.drawn(rows, rng)
        if change == REPLACED:
            return examples.permuted(1, rng)
        return Examples(examples.inputs, rng.permutation(examples.labels)) if change == SHUFFLED else examples

    def scaled(self, data):
        """What is done to examples before a model that learns from `data` is given them: a function; here nothing."""
        return lambda examples: examples
