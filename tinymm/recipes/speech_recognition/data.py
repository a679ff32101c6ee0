"""What the speech recipe learns from: the embedded voice, or recordings of single digits in the layout of the FSDD.

Either way a `Task` comes out. Connected digits are strings of two to five digits of one speaker: the voice says them in
one go, recordings are joined, for training anew in every epoch. Isolated digits are taken as they are.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ...cores.threads import parallel_for
from ...data import random_split
from ...data.speech import draw_speaker, draw_strings, join_sounds, official_test, read_spoken_digits, speak

__all__ = ["RATE", "Part", "Setting", "Task", "Variation", "folder_task", "speakers_of", "voice_task"]

RATE = 8000  # samples a second; telephone speech, and the FSDD
LENGTHS = (2, 5)  # digits of a string
PAUSE = (0.0, 0.15)  # seconds of silence between joined recordings
FADE = 0.005  # seconds at either end of a joined recording
SHORTEST = 0.08  # seconds; a shorter recording has too few frames for a digit and a blank
TEST, VALIDATION = 0.2, 0.1  # shares
VOICE_CLIPS = {"train": 2000, "val": 200, "test": 500}


@dataclass(frozen=True)
class Variation:
    """How much a clip changes from one epoch to the next.

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
    """

    speed: float
    tempo: float
    snr: tuple
    gain: float = 10.0
    masks: int = 2


@dataclass(frozen=True)
class Setting:
    """What suits a kind of clips: the size of the model, and how long it is trained."""

    width: int  # of the features
    channels: tuple  # of the convolutions
    dropout: float
    steps: int  # of the optimiser, about, in whole epochs
    variation: Variation


NEW_VOICES = Variation(speed=1.25, tempo=1.25, snr=(5.0, 40.0))  # as if others said it
SAME_VOICES = Variation(speed=1.1, tempo=1.2, snr=(10.0, 40.0))  # as if the same said it again

VOICE = Setting(160, (16, 32, 32), 0.1, 500, NEW_VOICES)
DIGITS = Setting(160, (16, 32, 32), 0.2, 1200, SAME_VOICES)
DIGITS_OF_OTHERS = Setting(160, (16, 32, 32), 0.3, 800, NEW_VOICES)
STRINGS = Setting(160, (16, 32, 32), 0.3, 1000, NEW_VOICES)


@dataclass
class Part:
    """Clips: samples, the digits said in each, and who says them.

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

    def clips(self, rows):
        """Some of the clips, as they are: sounds, digits."""
        return [self.sounds[i] for i in rows], [self.digits[i] for i in rows]

    def some(self, rows):
        """The Part of some of the clips."""
        return Part(*self.clips(rows), [self.speakers[i] for i in rows])


@dataclass
class Task:
    """Parts to train, validate and test on.

    Attributes
    ----------
    name : str
    isolated : bool
        One digit a clip, to be classified; otherwise strings, to be transcribed.
    parts : dict of str to Part
        "train", "val", "test".
    setting : Setting
    draw : callable
        ``draw(rows, rng)`` gives sounds and digits to train on, one for each row of the training part.
    notes : dict
        What the report says of the data.
    """

    name: str
    isolated: bool
    parts: dict
    setting: Setting
    draw: Callable
    notes: dict = field(default_factory=dict)


def voice_task(seed, isolated):
    """The embedded voice; every clip by a speaker of its own, so that those tested on are new."""
    lengths = (1, 1) if isolated else LENGTHS

    def said(rng):
        digits = tuple(rng.integers(10, size=rng.integers(lengths[0], lengths[1] + 1)).tolist())
        return speak(digits, draw_speaker(rng), rng, RATE), digits

    parts = {}
    for rng, (name, n) in zip(np.random.default_rng([seed, 1]).spawn(len(VOICE_CLIPS)), VOICE_CLIPS.items()):
        own = rng.spawn(n)  # a Generator each, so that clips can be made side by side
        shares = parallel_for(n, lambda start, stop, own=own: [said(r) for r in own[start:stop]], work=math.inf)
        sounds, digits = zip(*(clip for share in shares for clip in share))
        parts[name] = Part(list(sounds), list(digits), [f"{name} {i}" for i in range(n)])
    notes = {"source": "embedded formant voice", "speakers": "a new one for every clip"}
    return Task("the embedded voice", isolated, parts, VOICE, lambda rows, rng: parts["train"].clips(rows), notes)


def speakers_of(directory):
    """The speakers of a folder, sorted."""
    return sorted(set(read_spoken_digits(directory, RATE).speakers))


def folder_task(directory, seed, isolated, leave_out=None):
    """Recordings of single digits, split by take, or with one speaker left out to test on.

    Parameters
    ----------
    directory : path
        In the layout of `read_spoken_digits`.
    seed : int
        Of the split where the takes define none, of validation, and of the strings.
    isolated : bool
    leave_out : str, optional
        The speaker whose recordings are all for the test; nothing else of the run sees them.

    Raises
    ------
    ValueError
        As `read_spoken_digits` and `read_wave`; if a recording is too short, the speaker is not there, or too few are.
    """
    data = read_spoken_digits(directory, RATE)
    singles = Part(data.load(range(len(data))), [(int(d),) for d in data.digits], data.speakers)
    for name, sound in zip(data.files, singles.sounds):
        if len(sound) < SHORTEST * RATE:
            raise ValueError(f"{data.directory / name}: a digit must last at least {SHORTEST} s; "
                             f"it lasts {len(sound) / RATE:.3f} s")
    if leave_out is None:
        test, how = _takes_to_test(data, seed)
    else:
        test, how = _left_out(data.speakers, leave_out), f"all recordings of {leave_out}"
    others = np.flatnonzero(~test)
    if len(others) < 10 or not test.any():
        raise ValueError(f"speech-recognition: {directory} leaves too little: {len(others)} recordings to learn from, "
                         f"{test.sum()} to test on")
    train, val = random_split(len(others), (1 - VALIDATION, VALIDATION), np.random.default_rng([seed, 3]))
    rows = {"train": others[train], "val": others[val], "test": np.flatnonzero(test)}
    parts = {name: singles.some(r) for name, r in rows.items()}
    notes = {"source": str(directory), **data.notes(), "test": how,
             **{f"recordings: {k}": len(r) for k, r in rows.items()}}
    takes = parts["train"]
    if isolated:
        setting = DIGITS if leave_out is None else DIGITS_OF_OTHERS
        return Task(str(directory), True, parts, setting, lambda rows, rng: takes.clips(rows), notes)
    rng = np.random.default_rng([seed, 4])
    strings = {name: _strings(part, rng) for name, part in parts.items() if name != "train"}
    return Task(str(directory), False, {"train": takes, **strings}, STRINGS, _new_strings(takes), notes)


def _left_out(speakers, name):
    """Which recordings are of one speaker: bool (n,)."""
    found = np.array([speaker == name for speaker in speakers])
    if not found.any() or found.all():
        raise ValueError(f"--leave-out: must be one of several speakers, or all; got {name!r}, the recordings are of "
                         f"{', '.join(sorted(set(speakers)))}")
    return found


def _takes_to_test(data, seed):
    """The publisher's test takes, or a seeded fifth of all recordings; and which of the two."""
    official = official_test(data)
    if official.any():
        return official, "takes 0 to 4, the publisher's test"
    _, test = random_split(len(data), (1 - TEST, TEST), np.random.default_rng([seed, 2]))
    return np.isin(np.arange(len(data)), test), f"{TEST:.0%} of the recordings at random"


def _strings(singles, rng):
    """Strings out of single digits, each of which is used about once."""
    mean = sum(LENGTHS) / 2
    rows = draw_strings(singles.speakers, max(1, round(len(singles) / mean)), rng, LENGTHS)
    return Part([_joined(singles, r, rng) for r in rows], [tuple(singles.digits[i][0] for i in r) for r in rows],
                [singles.speakers[r[0]] for r in rows])


def _new_strings(singles):
    """draw(rows, rng): each row's digit begins a string; what follows is drawn from the same speaker."""
    names = np.array(singles.speakers)
    own = {speaker: np.flatnonzero(names == speaker) for speaker in set(singles.speakers)}

    def draw(rows, rng):
        strings = [np.append(i, rng.choice(own[singles.speakers[i]], rng.integers(*LENGTHS))) for i in rows]
        return [_joined(singles, r, rng) for r in strings], [tuple(singles.digits[i][0] for i in r) for r in strings]

    return draw


def _joined(singles, rows, rng):
    pauses = [round(RATE * rng.uniform(*PAUSE)) for _ in rows[1:]]
    return join_sounds([singles.sounds[i] for i in rows], pauses, round(FADE * RATE))
