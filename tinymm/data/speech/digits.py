"""Reader of the Free Spoken Digit Dataset's layout: WAV files `{digit}_{speaker}_{take}.wav`,
in a folder or its `recordings`.

All names are checked first, so that a stray file fails before training; sounds are read when needed.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..files import file_error, list_folder, named
from .waves import read_wave

__all__ = ["SpokenDigits", "official_test", "read_spoken_digits"]

NAME = re.compile(r"(?P<digit>[0-9])_(?P<speaker>[^_\x00-\x1f\x7f-\x9f\ud800-\udfff]+)_(?P<take>[0-9]{1,18})\.wav",
                  re.IGNORECASE)  # a speaker's name is text: no control characters, no bytes that are not UTF-8
OFFICIAL_TAKES = 5  # takes 0 to 4 of everyone are the publisher's test set


@dataclass
class SpokenDigits:
    """Recordings of single digits, sorted by name; recording i is `files[i]`, `digits[i]`, ...

    Attributes
    ----------
    directory : pathlib.Path
    rate : int
        Samples per second that every recording is brought to.
    files : list of str
    digits, takes : int64 arrays (n,)
    speakers : list of str
    resampled, mixed : set of int
        Recordings that `load` has had to bring to the rate, or to one channel, so far.
    inner : list of str
        Folders inside the directory that hold WAV files too, which are not read.
    """

    directory: Path
    rate: int
    files: list
    digits: np.ndarray
    speakers: list
    takes: np.ndarray
    resampled: set = field(default_factory=set)
    mixed: set = field(default_factory=set)
    inner: list = field(default_factory=list)

    def __len__(self):
        return len(self.files)

    def load(self, indices):
        """Read the recordings of these indices: list of float32 arrays.

        Raises
        ------
        ValueError
            As `read_wave`.
        """
        return [self._load(int(i)) for i in indices]

    def _load(self, i):
        wave = read_wave(self.directory / self.files[i], self.rate)
        if wave.rate != self.rate:
            self.resampled.add(i)
        if wave.channels > 1:
            self.mixed.add(i)
        return wave.samples

    def notes(self):
        """What a report should mention of the recordings read so far (dict)."""
        notes = {"recordings": len(self), "speakers": ", ".join(sorted(set(self.speakers)))}
        if self.resampled:
            notes["resampled"] = f"{len(self.resampled)} recordings, to {self.rate} samples a second"
        if self.mixed:
            notes["mixed"] = f"{len(self.mixed)} recordings of several channels, to one"
        if self.inner:
            notes["not read"] = f"recordings in the folders {', '.join(map(named, self.inner))}"
        return notes


def read_spoken_digits(directory, rate=8000):
    """Find and check the recordings of a folder; sounds load later.

    Parameters
    ----------
    directory : path
        Holds the WAV files, or a folder `recordings` that does. Other kinds of files are ignored, and so are hidden
        ones; recordings in folders inside it are not read, and the notes say so.
    rate : int
        Samples per second to bring every recording to.

    Returns
    -------
    SpokenDigits

    Raises
    ------
    ValueError
        Naming the folder without recordings, or the WAV file that is not named `{digit}_{speaker}_{take}.wav`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     for file in ("7_ann_0.wav", "7_bob_12.wav"):
    ...         Path(name, file).touch()
    ...     data = read_spoken_digits(name)
    >>> data.digits, data.speakers, data.takes
    (array([7, 7]), ['ann', 'bob'], array([ 0, 12]))
    """
    found = list_folder(directory, (".wav",))
    directory = Path(directory)
    if directory / "recordings" in found.folders:
        directory = directory / "recordings"
        found = list_folder(directory, (".wav",))
    inner = [folder.name for folder in found.folders if list_folder(folder, (".wav",)).files]
    if not found.files:
        others = f" but in the folder {named(inner[0])}" if inner else ""
        raise file_error(directory, f"spoken digits need WAV files named digit_speaker_take.wav; got none{others}")
    parsed = [NAME.fullmatch(path.name) for path in found.files]
    for path, match in zip(found.files, parsed):
        if match is None:
            raise file_error(path, "a recording is named digit_speaker_take.wav, such as 7_ann_0.wav; "
                                   f"got {named(path.name)}")
    return SpokenDigits(
        directory=directory,
        rate=rate,
        files=[path.name for path in found.files],
        digits=np.array([int(match["digit"]) for match in parsed]),
        speakers=[unicodedata.normalize("NFC", match["speaker"]) for match in parsed],  # macOS stores accents apart
        takes=np.array([int(match["take"]) for match in parsed]),
        inner=inner,
    )


def official_test(data):
    """Which recordings the publisher tests on, takes 0 to 4 (bool (n,));
    none of them if there is no other take to learn from.

    Examples
    --------
    >>> data = SpokenDigits(Path("."), rate=8000, files=["7_ann_4.wav", "7_ann_5.wav"],
    ...                     digits=np.array([7, 7]), speakers=["ann", "ann"], takes=np.array([4, 5]))
    >>> official_test(data)
    array([ True, False])
    """
    is_test = data.takes < OFFICIAL_TAKES
    return np.zeros_like(is_test) if is_test.all() else is_test
