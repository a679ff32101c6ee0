"""The folder a run leaves behind: config, machine, log, checkpoint, metrics, report; each file whole or absent."""

import json
import os
from pathlib import Path

from ...machine import describe

__all__ = ["RunFolder"]


class RunFolder:
    """The output folder of one run.

    Parameters
    ----------
    path : str or Path
        Made if need be.
    config : dict
        What the run was asked for; JSON-able. A resumed run must ask for the same.
    resume : bool
        Go on from the checkpoint that is there.

    Raises
    ------
    ValueError
        If the folder holds another run and `resume` is off, or its configuration differs,
        or there is nothing to resume.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = RunFolder(name, {"seed": 0}, resume=False)
    ...     folder.write("metrics.json", {"test/accuracy": 0.5})
    ...     sorted(path.name for path in folder.path.iterdir())
    ['config.json', 'machine.json', 'metrics.json']
    """

    def __init__(self, path, config, resume):
        self.path = Path(path)
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(f"--out: must be a folder; {self.path} is a file")
        if resume:
            self._check_same(config)
            self.write("machine.json", describe())  # where it goes on: another machine is no other run
            return
        if self.checkpoint.exists():
            raise ValueError(f"--out: {self.path} already holds a run; "
                             "add --resume to go on with it, or name another folder")
        self.path.mkdir(parents=True, exist_ok=True)
        self.write("config.json", config)
        self.write("machine.json", describe())

    @classmethod
    def default(cls, name, resume):
        """runs/NAME, runs/NAME-2, …: the first without a run, or, to resume, the last with one."""
        number = 1
        while (path := Path("runs", name if number == 1 else f"{name}-{number}")).joinpath("checkpoint.npz").exists():
            last, number = path, number + 1
        return last if resume and number > 1 else path

    def _check_same(self, config):
        stored = self.path / "config.json"
        if not stored.exists() or not self.checkpoint.exists():
            raise ValueError(f"--resume: {self.path} holds no run to go on from")
        before = json.loads(stored.read_text("utf-8"))
        changed = [k for k in sorted({*before, *config}) if before.get(k) != json.loads(json.dumps(config)).get(k)]
        if changed:
            told = "; ".join(f"{k} was {before.get(k)!r}, now {config.get(k)!r}" for k in changed)
            raise ValueError(f"--resume: {self.path} was started with another configuration ({told})")

    @property
    def checkpoint(self):
        return self.path / "checkpoint.npz"

    @property
    def log(self):
        return self.path / "log.jsonl"

    @property
    def report(self):
        return self.path / "report.html"

    def write(self, name, content):
        """Write a JSON file in one stroke."""
        temporary = self.path / f".{name}.tmp"
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
        os.replace(temporary, self.path / name)
