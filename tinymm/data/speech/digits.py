"""Reader of the Free Spoken Digit Dataset's layout: WAV files `{digit}_{speaker}_{take}.wav`,
in a folder or its `recordings`.

All names are checked first, so that a stray file fails before training; sounds are read when needed.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .waves import read_wave

__all__ = ["SpokenDigits", "official_test", "read_spoken_digits"]

NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[^_]+)_(?P<take>\d+)\.wav")
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
    """

    directory: Path
    rate: int
    files: list
    digits: np.ndarray
    speakers: list
    takes: np.ndarray
    resampled: set = field(default_factory=set)
    mixed: set = field(default_factory=set)

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
        return notes


def read_spoken_digits(directory, rate=8000):
    """Find and check the recordings of a folder; sounds load later.

    Parameters
    ----------
    directory : path
        Holds the WAV files, or a folder `recordings` that does. Other kinds of files are ignored.
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
    directory = Path(directory)
    if (directory / "recordings").is_dir():
        directory = directory / "recordings"
    if not directory.is_dir():
        raise ValueError(f"{directory}: spoken digits need a folder of WAV files; there is none")
    files = sorted(path.name for path in directory.iterdir() if path.suffix.lower() == ".wav")
    if not files:
        raise ValueError(f"{directory}: spoken digits need WAV files named digit_speaker_take.wav; got none")
    parsed = [NAME.fullmatch(name) for name in files]
    for name, match in zip(files, parsed):
        if match is None:
            raise ValueError(f"{directory / name}: a recording is named digit_speaker_take.wav, such as 7_ann_0.wav; "
                             f"got {name}")
    return SpokenDigits(
        directory=directory,
        rate=rate,
        files=files,
        digits=np.array([int(match["digit"]) for match in parsed]),
        speakers=[match["speaker"] for match in parsed],
        takes=np.array([int(match["take"]) for match in parsed]),
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
