"""The folder a run leaves behind: config, machine, log, checkpoint, metrics, report; each file whole or absent."""

import json
import os
from contextlib import suppress
from itertools import count
from pathlib import Path

from ... import writing
from ...data.files import named, one_line, quoted, read_json
from ...machine import describe

__all__ = ["RunFolder"]

FILES = CONFIG, MACHINE, LOG, CHECKPOINT, METRICS, REPORT = (
    "config.json", "machine.json", "log.jsonl", "checkpoint.npz", "metrics.json", "report.html")


class RunFolder:
    """The output folder of one run, which no other run may use until it ends.

    Parameters
    ----------
    path : str or Path
        Made if need be.
    config : dict
        What the run was asked for; JSON-able. A resumed run must ask for the same.
    resume : bool
        Go on from the checkpoint that is there; start over if the run was killed before its first one.

    Attributes
    ----------
    path : Path

    Raises
    ------
    ValueError
        If the folder holds another run and `resume` is off, or its configuration differs, there is nothing to
        resume, or another run is using it.

    Examples
    --------
    As a context manager it lets others in at the end. If an error comes before the first checkpoint, nothing stays.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     with RunFolder(name, {"recipe": "a"}, resume=False) as folder:
    ...         folder.write("metrics.json", {"test/accuracy": 0.5})
    ...     sorted(path.name for path in folder.path.iterdir())
    ['config.json', 'machine.json', 'metrics.json']
    """

    def __init__(self, path, config, resume):
        self.path = self.check(path, config, resume)
        self.made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self.lock = writing.Lock(self.path)
        except BlockingIOError:
            raise _Taken(f"--out: {named(self.path)} must not be in use by another run; it is") from None
        try:
            self.check(path, config, resume)  # once more: another run may have ended meanwhile
            writing.remove_leftovers(self.path)
            if not self.checkpoint.exists():
                self.write(CONFIG, config)
            self.write(MACHINE, describe())  # where it goes on: another machine is no other run
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if isinstance(error, Exception) and not self.checkpoint.exists():
            self._remove()
        self.lock.release()
        if isinstance(error, Exception):
            for folder in self.made:
                with suppress(OSError):  # it is not empty
                    folder.rmdir()

    def _remove(self):
        """Take away what a run without a checkpoint has left: no row of a log yet."""
        for path in (self.path / CONFIG, self.path / MACHINE, self.log):
            with suppress(OSError):
                if path != self.log or path.stat().st_size == 0:
                    path.unlink()

    @classmethod
    def new(cls, name, config):
        """runs/NAME, runs/NAME-2, …: the first without a run, though others may begin at this moment."""
        for path in _numbered(name):
            if not _is_run(path):
                with suppress(_Taken):
                    return cls(path, config, resume=False)

    @classmethod
    def default(cls, name, resume):
        """runs/NAME, runs/NAME-2, …: the first without a run, or, to resume, the last with one."""
        last = None
        for path in _numbered(name):
            if not _is_run(path):
                return last if resume and last else path
            last = path

    @classmethod
    def check(cls, path, config, resume):
        """Raise ValueError or OSError if this run may not use the folder, and change nothing; else the Path."""
        path = Path(path)
        if os.path.lexists(path) and not path.is_dir():
            raise ValueError(f"--out: must be a folder; {named(path)} is a file")
        for name in FILES:
            writing.check_writable(path / name)
        has_begun = (path / CHECKPOINT).exists()
        if has_begun and not resume:
            raise _Taken(f"--out: {named(path)} already holds a run; "
                         "add --resume to go on with it, or name another folder")
        if resume and has_begun:
            _check_same(path, config)
        elif resume and not (_is_run(path) or _is_empty(path)):
            raise ValueError(f"--resume: {named(path)} holds no run to go on from")
        if not has_begun and (path / CONFIG).exists() and not _is_config(path / CONFIG):
            raise ValueError(f"--out: {named(path)} holds a {CONFIG} that no run has written; name another folder")
        return path

    @property
    def checkpoint(self):
        return self.path / CHECKPOINT

    @property
    def log(self):
        return self.path / LOG

    @property
    def report(self):
        return self.path / REPORT

    def write(self, name, content):
        """Write a JSON file in one stroke."""
        with writing.replaced(self.path / name) as file:
            file.write(writing.json_bytes(content))


class _Taken(ValueError):
    """Another run has the folder: one that is named by its number goes elsewhere."""


def _numbered(name):
    return (Path("runs", name if number == 1 else f"{name}-{number}") for number in count(1))


def _check_same(path, config):
    """Raise ValueError unless the run in a folder was started with this configuration."""
    stored = path / CONFIG
    if not stored.exists():
        raise ValueError(f"--resume: {named(path)} holds no run to go on from: {CONFIG} is not there")
    try:
        before = read_json(stored)
        if not isinstance(before, dict):
            raise ValueError(f"{named(stored)}: must be an object")
    except ValueError as error:
        raise ValueError(f"--resume: damaged; {error}") from error
    now = json.loads(json.dumps(config))
    changed = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    if changed:
        told = "; ".join(f"{one_line(key)} was {quoted(before.get(key))}, now {quoted(config.get(key))}"
                         for key in changed)
        raise ValueError(f"--resume: {named(path)} was started with another configuration ({told})")


def _is_config(path):
    """Whether a file is the configuration of a run."""
    try:
        content = read_json(path)
    except ValueError:
        return False
    return isinstance(content, dict) and "recipe" in content


def _is_run(path):
    """Whether a run has begun in this folder, perhaps without coming to a checkpoint."""
    return (path / CONFIG).exists() or (path / CHECKPOINT).exists()


def _is_empty(path):
    """Whether a run was killed in this folder before it wrote anything: it is there, and holds nothing one can see."""
    return path.is_dir() and all(file.name.startswith(".") for file in path.iterdir())
