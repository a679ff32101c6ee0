"""Strings of digits: joined out of single recordings, and the baselines and errors of whoever transcribes them."""

from collections import Counter

import numpy as np

from ...data.speech import draw_strings, join_sounds
from ...metrics import edit_alignment, edit_distance
from .clips import Clips, read_takes, voice_parts
from .sounds import RATE, classified, spectrogram

__all__ = ["LENGTHS", "PAUSE", "add_errors", "commonest_digit", "cut_and_classified", "joined_parts", "new_strings",
           "string_parts", "written"]

LENGTHS = (2, 5)  # digits of a string
PAUSE = (0.0, 0.15)  # seconds of silence between joined recordings
FADE = 0.005  # seconds at either end of a joined recording


def string_parts(run, leave_out=None):
    """The strings that a run is about: of its folder, or of the embedded voice.

    Parameters
    ----------
    run : Run
    leave_out : str, optional
        Of a folder: the speaker to test on.

    Returns
    -------
    parts : dict of str to Clips
    notes : dict
    draw : callable
        ``draw(rows, rng)`` gives the training clips of these rows as one epoch hears them: Clips.
    """
    run.say(f"reading {run.data} ..." if run.data else "synthesising the embedded voice ...")
    if run.data:
        takes, notes = read_takes(run.data, run.rng, leave_out)
        return joined_parts(takes, run.rng(4)), notes, new_strings(takes["train"])
    parts, notes = voice_parts(run.rng(1), LENGTHS)
    return parts, notes, parts["train"].drawn


def joined_parts(takes, rng):
    """Single digits by part to strings: of validation and test once and for all, of training anew in every epoch."""
    return {name: part if name == "train" else _strings(part, rng) for name, part in takes.items()}


def _strings(singles, rng):
    """Strings out of single digits, each of which is used about once."""
    rows = draw_strings(singles.speakers, max(1, round(len(singles) / np.mean(LENGTHS))), rng, LENGTHS)
    return _joined(singles, rows, rng)


def new_strings(singles):
    """draw(rows, rng): each row's digit begins a string; what follows is drawn from the same speaker."""
    names = np.array(singles.speakers)
    own = {speaker: np.flatnonzero(names == speaker) for speaker in set(singles.speakers)}

    def draw(rows, rng):
        more = rng.integers(LENGTHS[0] - 1, LENGTHS[1], len(rows))       # 1 to 4 digits after the first
        strings = [np.append(i, rng.choice(own[singles.speakers[i]], n)) for i, n in zip(rows, more)]
        return _joined(singles, strings, rng)

    return draw


def _joined(singles, strings, rng):
    """Clips of some strings, each the rows of its digits."""
    def sound(rows):
        pauses = [round(RATE * rng.uniform(*PAUSE)) for _ in rows[1:]]
        return join_sounds([singles.sounds[i] for i in rows], pauses, round(FADE * RATE))

    return Clips([sound(rows) for rows in strings], [tuple(singles.digits[i][0] for i in rows) for rows in strings],
                 [singles.speakers[rows[0]] for rows in strings])


def commonest_digit(train, n):
    """For each of n strings the commonest training digit, once: no constant answer of one digit is nearer."""
    return [(Counter(digit for string in train.digits for digit in string).most_common(1)[0][0],)] * n


def cut_and_classified(train, test):
    """Told how many digits there are, cut each clip into as many equal pieces and classify each: the strings of `test`.

    It learns from the pieces of training strings; of single digits the whole clip is the piece.
    """
    def pieces(part):
        return [piece for sound, string in zip(part.sounds, part.digits)
                for piece in np.array_split(spectrogram(sound), len(string))]

    labels = np.array([digit for string in train.digits for digit in string])
    found = iter(classified(pieces(train), labels, pieces(test), classes=10).tolist())
    return [tuple(next(found) for _ in string) for string in test.digits]


def add_errors(report, speakers, said, heard):
    """Add to a report the strings with most edits; each a sequence of digits or words."""
    wrong = sorted((i for i in range(len(said)) if heard[i] != said[i]),
                   key=lambda i: -edit_distance(heard[i], said[i]))
    report.heading("The worst errors")
    if not wrong:
        report.text("None: every string was heard right.")
        return
    rows = [[speakers[i], written(said[i]), written(heard[i]), _aligned(heard[i], said[i])] for i in wrong[:20]]
    report.table(rows, ["speaker", "said", "heard", "alignment"], caption=(
        f"{len(rows)} of {len(wrong)} strings with errors, those with the most edits first. "
        "5→9: heard as another; −5: missed; +5: heard where there was none."))


def written(string):
    """A string of digits or words as one text."""
    return " ".join(map(str, string)) or "(nothing)"


def _aligned(heard, said):
    """The edits that turn what was said into what was heard, in one line: 5→9, −5, +5."""
    signs = {"match": "{0}", "substitute": "{0}→{1}", "delete": "−{0}", "insert": "+{1}"}
    return " ".join(signs[kind].format(true, found) for kind, true, found in edit_alignment(heard, said))
