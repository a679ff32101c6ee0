"""The training log: one JSON object per line, cut back to the checkpoint when a run is resumed."""

import json
import os
from pathlib import Path

from ..writing import hold

__all__ = ["Log", "read_log"]


class Log:
    """Rows of a run, in memory and, given a path, in a file.

    Parameters
    ----------
    path : str or Path, optional
        The .jsonl file; its folder is made if need be.
    keep : int
        How many rows of an existing file to keep; later ones are cut off, so that the log of a resumed run has the
        rows of an undisturbed one.

    Attributes
    ----------
    rows : list of dict

    Raises
    ------
    ValueError
        If another Log, of this process or another one, has the file open: two runs would destroy each other's.

    Notes
    -----
    A row reaches the operating system before `append` returns, so killing the process loses none; `sync` brings
    them to the disk. A file with fewer rows than `keep` is taken as it is: a log is a record, not an input.

    Examples
    --------
    >>> log = Log()
    >>> log.append({"step": 10, "train/loss": 0.5})
    >>> log.rows
    [{'step': 10, 'train/loss': 0.5}]
    """

    def __init__(self, path=None, keep=0):
        self.rows = []
        self.file = None
        if path is not None:
            path = Path(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            self.file = open(path, "a+b")
            try:
                self._begin(path, keep)
            except BaseException:
                self.close()
                raise

    def _begin(self, path, keep):
        """Cut the file to its first `keep` rows, once nobody else writes to it."""
        if not hold(self.file):
            raise ValueError(f"Log: {path} must not be in use by another run; it is")
        if keep > 0:
            self.rows = read_log(path)[:keep]
        self.file.truncate(_end_of_row(path, len(self.rows)))

    def append(self, row):
        """Add one row: a dict JSON can hold."""
        self.rows.append(row)
        if self.file is not None:
            self.file.write(json.dumps(row).encode() + b"\n")
            self.file.flush()

    def sync(self):
        """Wait until all rows are on the disk."""
        if self.file is not None:
            os.fsync(self.file.fileno())

    def close(self):
        """Close the file; the rows stay readable."""
        if self.file is not None:
            self.file.close()


def read_log(path):
    r"""The rows of a .jsonl file; a half-written last line, which a killed process may leave, is passed over.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    list of dict

    Raises
    ------
    ValueError
        If a whole line is no JSON or no dict; naming the file and the line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "log.jsonl")
    ...     _ = path.write_text('{"step": 1}\n{"st')
    ...     read_log(path)
    [{'step': 1}]
    """
    rows = []
    lines = Path(path).read_bytes().split(b"\n")
    for i, line in enumerate(lines[:-1]):  # what follows the last line end is empty or half-written
        try:
            rows.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"read_log: line {i + 1} of {path} is not JSON ({error})") from error
        if not isinstance(rows[-1], dict):
            raise ValueError(f"read_log: line {i + 1} of {path} must be a dict")
    return rows


def _end_of_row(path, n):
    """The byte after the n-th line."""
    with open(path, "rb") as file:
        return sum(len(file.readline()) for _ in range(n))
