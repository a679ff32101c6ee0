"""The folder a run leaves behind: config, machine, log, checkpoint, metrics, report; each file whole or absent."""

import json
import os
from contextlib import suppress
from pathlib import Path

from ... import writing
from ...machine import describe

__all__ = ["RunFolder"]

CONFIG, MACHINE, LOG, CHECKPOINT = "config.json", "machine.json", "log.jsonl", "checkpoint.npz"


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
    ...     with RunFolder(name, {"seed": 0}, resume=False) as folder:
    ...         folder.write("metrics.json", {"test/accuracy": 0.5})
    ...     sorted(path.name for path in folder.path.iterdir())
    ['config.json', 'machine.json', 'metrics.json']
    """

    def __init__(self, path, config, resume):
        self.path = Path(path)
        self._check(config, resume)
        self.made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self.lock = writing.Lock(self.path)
        except BlockingIOError:
            raise ValueError(f"--out: {self.path} must not be in use by another run; it is") from None
        try:
            self._check(config, resume)  # once more: another run may have ended meanwhile
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
    def default(cls, name, resume):
        """runs/NAME, runs/NAME-2, …: the first without a run, or, to resume, the last with one."""
        number = 1
        while _is_run(path := Path("runs", name if number == 1 else f"{name}-{number}")):
            last, number = path, number + 1
        return last if resume and number > 1 else path

    def _check(self, config, resume):
        """Raise ValueError if this run may not use the folder; change nothing."""
        if os.path.lexists(self.path) and not self.path.is_dir():
            raise ValueError(f"--out: must be a folder; {self.path} is a file")
        has_begun = self.checkpoint.exists()
        if has_begun and not resume:
            raise ValueError(f"--out: {self.path} already holds a run; "
                             "add --resume to go on with it, or name another folder")
        if resume and has_begun:
            self._check_same(config)
        elif resume and not (_is_run(self.path) or _is_empty(self.path)):
            raise ValueError(f"--resume: {self.path} holds no run to go on from")

    def _check_same(self, config):
        stored = self.path / CONFIG
        try:
            before = json.loads(stored.read_text("utf-8"))
            if not isinstance(before, dict):
                raise ValueError("it is no object")
        except FileNotFoundError:
            raise ValueError(f"--resume: {self.path} holds no run to go on from: {CONFIG} is not there") from None
        except ValueError as error:
            raise ValueError(f"--resume: {stored} is damaged ({error})") from error
        now = json.loads(json.dumps(config))
        changed = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
        if changed:
            told = "; ".join(f"{key} was {before.get(key)!r}, now {config.get(key)!r}" for key in changed)
            raise ValueError(f"--resume: {self.path} was started with another configuration ({told})")

    @property
    def checkpoint(self):
        return self.path / CHECKPOINT

    @property
    def log(self):
        return self.path / LOG

    @property
    def report(self):
        return self.path / "report.html"

    def write(self, name, content):
        """Write a JSON file in one stroke."""
        with writing.replaced(self.path / name) as file:
            file.write(writing.json_bytes(content))


def _is_run(path):
    """Whether a run has begun in this folder, perhaps without coming to a checkpoint."""
    return (path / CONFIG).exists() or (path / CHECKPOINT).exists()


def _is_empty(path):
    """Whether a run was killed in this folder before it wrote anything: it is there, and holds nothing one can see."""
    return path.is_dir() and all(file.name.startswith(".") for file in path.iterdir())
