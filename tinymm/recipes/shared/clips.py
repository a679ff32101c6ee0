"""Spoken digits by part: of the embedded voice, or recordings in the layout of the FSDD, split by take or speaker."""

import math
from dataclasses import dataclass

import numpy as np

from ...cores.threads import parallel_for
from ...data import random_split
from ...data.speech import draw_speaker, official_test, read_spoken_digits, speak
from .options import require
from .sounds import RATE

__all__ = ["Clips", "read_takes", "speakers_of", "voice_parts"]

SHORTEST = 0.08  # seconds; a shorter recording has too few frames for a digit and a blank
TEST, VALIDATION = 0.2, 0.1  # shares
VOICE_CLIPS = {"train": 2000, "val": 200, "test": 500}


@dataclass
class Clips:
    """Samples, the digits said in each clip, and who says them.

    Attributes
    ----------
    sounds : list of float32 array
    digits : list of tuple of int
    speakers : list of str
    """

    sounds: list
    digits: list
    speakers: list

    def __len__(self):
        return len(self.sounds)

    def rows(self, indices):
        """Some of the clips, in the order asked for."""
        return Clips(*([column[i] for i in indices] for column in (self.sounds, self.digits, self.speakers)))

    def drawn(self, indices, rng):
        """The same, of what is trained on as it is: nothing is drawn."""
        return self.rows(indices)

    @property
    def labels(self):
        """The digit of each clip of one digit: int array."""
        return np.array([digit for digit, in self.digits])


def voice_parts(rng, lengths):
    """Clips of the embedded voice, each by a speaker of its own, so that those tested on are new.

    Parameters
    ----------
    rng : numpy.random.Generator
    lengths : (int, int)
        Fewest and most digits of a clip.

    Returns
    -------
    parts : dict of str to Clips
    notes : dict
    """
    def said(rng):
        digits = tuple(rng.integers(10, size=rng.integers(lengths[0], lengths[1] + 1)).tolist())
        return speak(digits, draw_speaker(rng), rng, RATE), digits

    parts = {}
    for own, (name, n) in zip(rng.spawn(len(VOICE_CLIPS)), VOICE_CLIPS.items()):
        each = own.spawn(n)  # a Generator for each clip, so that clips can be made side by side
        shares = parallel_for(n, lambda start, stop, each=each: [said(r) for r in each[start:stop]], work=math.inf)
        sounds, digits = zip(*(clip for share in shares for clip in share))
        parts[name] = Clips(list(sounds), list(digits), [f"{name} {i}" for i in range(n)])
    return parts, {"source": "embedded formant voice", "speakers": "a new one for every clip"}


def speakers_of(directory):
    """The speakers of a folder, sorted."""
    return sorted(set(read_spoken_digits(directory, RATE).speakers))


def read_takes(directory, rng, leave_out=None):
    """Recordings of single digits, split by take, or with one speaker left out to test on.

    Parameters
    ----------
    directory : path
        In the layout of `read_spoken_digits`.
    rng : callable
        ``rng(key)`` gives the Generators of the splits: of the test where takes define none (2), of validation (3).
    leave_out : str, optional
        The speaker whose recordings are all for the test; nothing else of the run sees them.

    Returns
    -------
    parts : dict of str to Clips
    notes : dict

    Raises
    ------
    ValueError
        As `read_spoken_digits` and `read_wave`; if a recording is too short, the speaker is not there, or too few are.
    """
    data = read_spoken_digits(directory, RATE)
    takes = Clips(data.load(range(len(data))), [(int(digit),) for digit in data.digits], data.speakers)
    for name, sound in zip(data.files, takes.sounds):
        require(len(sound) >= SHORTEST * RATE, data.directory / name, f"a digit must last at least {SHORTEST} s",
                f"{len(sound) / RATE:.3f} s")
    if leave_out is None:
        test, how = _takes_to_test(data, rng)
    else:
        test, how = _left_out(data.speakers, leave_out), f"all recordings of {leave_out}"
    others = np.flatnonzero(~test)
    require(len(others) >= 10 and test.any(), directory, "must leave 10 recordings to learn from, and some to test on",
            f"{len(others)} and {test.sum()}")
    train, val = random_split(len(others), (1 - VALIDATION, VALIDATION), rng(3))
    rows = {"train": others[train], "val": others[val], "test": np.flatnonzero(test)}
    notes = {**data.notes(), "test": how, **{f"recordings: {name}": len(r) for name, r in rows.items()}}
    return {name: takes.rows(r) for name, r in rows.items()}, notes


def _left_out(speakers, name):
    """Which recordings are of one speaker: bool (n,)."""
    found = np.array([speaker == name for speaker in speakers])
    require(found.any() and not found.all(), "--leave-out", "must be one of several speakers, or all",
            f"{name!r}, the recordings are of {', '.join(sorted(set(speakers)))}")
    return found


def _takes_to_test(data, rng):
    """The publisher's test takes, or a seeded fifth of all recordings; and which of the two."""
    official = official_test(data)
    if official.any():
        return official, "takes 0 to 4, the publisher's test"
    _, test = random_split(len(data), (1 - TEST, TEST), rng(2))
    return np.isin(np.arange(len(data)), test), f"{TEST:.0%} of the recordings at random"
