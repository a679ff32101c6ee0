"""What every run of a recipe does around its data, model, loss and report: options, folder, seeds, resume, results."""

import inspect
import os
import time
from dataclasses import is_dataclass
from functools import partial, wraps

import numpy as np

from ...machine import describe
from ...viz import Report
from . import checkpoints
from .folder import RunFolder
from .options import collected, options_of, require

__all__ = ["Run", "recipe"]

COMMON = """\
    data : path, optional
        Learn from this folder instead of the embedded data.
    out : path, optional
        The output folder; by default runs/NAME, runs/NAME-2 and so on.
    seed : int
        Of everything random.
    epochs : int, optional
        Passes through the training data; by default as many as the recipe's plan takes.
    resume : bool
        Go on from the last checkpoint in the output folder; the run ends as if it had never stopped.
"""
RETURNS = """
    Returns
    -------
    dict
        What `metrics.json` holds.

    Raises
    ------
    ValueError
        For bad data or options, in one line.
"""


def recipe(function=None, *, moved=None):
    """Make the public `run` of a recipe out of a function of a `Run` and of the recipe's own options.

    Parameters
    ----------
    function : callable
        ``function(run, **options)`` returns what `Run.finish` returned. Its docstring says what its options are.
    moved : dict of str to str, optional
        Options of the last release that are gone, and what to write instead; they are refused by name.

    Returns
    -------
    callable
        ``run(data=None, out=None, seed=0, epochs=None, resume=False, progress=True, **options)``, which
        returns what `metrics.json` holds.
    """
    if function is None:
        return partial(recipe, moved=moved)
    name = function.__module__.rpartition(".")[2].replace("_", "-")
    told = {option.name for option in options_of(function)}
    for option, parameter in inspect.signature(function).parameters.items():
        if option not in told and not is_dataclass(parameter.default) and parameter.default is not parameter.empty:
            raise TypeError(f"{name}: the docstring must explain {option}; else it would be no option")

    @wraps(function)
    def run(data=None, out=None, seed=0, epochs=None, resume=False, progress=True, **options):
        for option in moved or {}:
            require(not options.pop(option, None), f"--{option}", f"is now {moved[option]}", option)
        for option, path in (("--data", data), ("--out", out)):
            require(path is None or os.fspath(path), option, "must name a folder", "an empty name")
        require(epochs is None or epochs >= 1, "--epochs", "must be at least 1", epochs)
        require(seed >= 0, "--seed", "must not be negative", seed)
        asked = {option.name: option.default for option in options_of(function)} | options
        asked = {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in asked.items()}
        own = collected(function, options)
        inspect.signature(function).bind(None, **own)  # an unknown option is a TypeError here
        with Run(name, data, out, seed, epochs, resume, progress, asked) as begun:
            return function(begun, **own)

    head, _, own = inspect.cleandoc(function.__doc__).partition("\n\nParameters\n----------\n")
    run.__doc__ = inspect.cleandoc(f"{head}\n\nParameters\n----------\n") + "\n" + inspect.cleandoc(COMMON) \
        + f"\n{own.strip()}\n" + inspect.cleandoc(RETURNS)
    run.own_options, run.moved = options_of(function, "this recipe's own"), moved or {}
    del run.__wrapped__  # its signature is its own
    return run


class Run:
    """One run of a recipe, handed to the recipe's function: what it was asked for, and what it leaves behind.

    Attributes
    ----------
    data : str or None
        The folder to learn from.
    seed : int
    epochs : int or None
    options : dict
        The recipe's own options as they were asked for.
    folder : RunFolder or None
        None until `begin` is called. At the end of a ``with`` it lets other runs in.
    """

    def __init__(self, name, data, out, seed, epochs, resume, progress, options):
        self.name, self.data, self.out, self.options = name, data and str(data), out, options
        self.seed, self.epochs, self.resume, self.progress = seed, epochs, resume, progress
        self.began = time.monotonic()
        self.folder = None

    def __enter__(self):
        """Where the run may not write is told before its data are read."""
        RunFolder.check(self._place(), self.config, self.resume)
        return self

    def __exit__(self, kind, error, traceback):
        if self.folder is None:
            return
        self.folder.__exit__(kind, error, traceback)
        if isinstance(error, KeyboardInterrupt | OSError | MemoryError) and self.folder.checkpoint.exists():
            error.add_note("the last checkpoint is kept, --resume goes on from it")

    def say(self, words):
        """Print a line, unless the caller wants none."""
        if self.progress:
            print(words, flush=True)

    def rng(self, *key):
        """A Generator of its own for each purpose, named by a number; all from the seed."""
        return np.random.default_rng([self.seed, *key])

    @property
    def config(self):
        """What the run was asked for; a resumed run must ask for the same."""
        return {"recipe": self.name, "data": self.data, "seed": self.seed, "epochs": self.epochs, **self.options}

    def again(self, folder, resume, **options):
        """A run like this one into another folder, with some options changed."""
        return Run(self.name, self.data, folder, self.seed, self.epochs, resume, self.progress, self.options | options)

    def begin(self, source, parts, notes=None):
        """Open the output folder, once the data have been read and found good.

        Parameters
        ----------
        source : str
            What the data are called.
        parts : dict of str to sized
            "train", "val", "test"...
        notes : dict, optional
            What the report says of the data.
        """
        self.source, self.parts, self.notes = source, parts, notes or {}
        self.folder = self.open_folder()
        sizes = ", ".join(f"{len(part)} {name}" for name, part in parts.items())
        self.say(f"{self.name}: {source}, {sizes} -> {self.folder.path}")

    def open_folder(self):
        """The RunFolder that was asked for; a line tells of a run that was killed before its first checkpoint."""
        if self.out is None and not self.resume:
            return RunFolder.new(self.name, self.config)
        folder = RunFolder(self._place(), self.config, self.resume)
        if self.resume and not folder.checkpoint.exists():
            self.say(f"{folder.path} holds no checkpoint yet: starting over")
        return folder

    def _place(self):
        """The folder that was asked for, or the one that would be chosen now."""
        return RunFolder.default(self.name, self.resume) if self.out is None else self.out

    def fit(self, plan, model, loss, data, validate, *, config, tokenizer=None, classes=None, after_backward=None,
            after_step=None, extra_state=None):
        """Train a model by a plan, or go on with it, and return the Trainer.

        Parameters
        ----------
        plan : Plan
        model, loss, data, validate, after_backward, after_step, extra_state
            As for `Trainer`.
        config, tokenizer, classes
            What the checkpoint says of the model, for `load`.
        """
        trainer = plan.trainer(model, loss, data, validate, self.epochs, self.seed, self.folder.path)
        trainer.about = checkpoints.about(self.name, config, tokenizer, classes)
        trainer.after_backward, trainer.after_step = after_backward, after_step
        trainer.extra_state = extra_state or {}
        self.trainer = trainer                                           # the loss may ask `share_done`
        trainer.fit(resume=self.resume, progress=self.progress)
        self.tested = time.monotonic()
        self.say("testing, beside the baselines ...")
        return trainer

    def share_done(self):
        """The share of the training that lies behind, from 0 to 1: for a loss that changes on the way."""
        config = self.trainer.config
        steps = config.epochs * config.steps_per_epoch(self.trainer.data.num_examples)
        return self.trainer.at.step / steps

    def fit_control(self, name, plan, model, loss, data, validate):
        """Train a model that ours is compared with, by the same plan; its log lies in a folder of its name."""
        self.say(f"training a control, {name} ...")
        folder = self.folder.path / name.replace(" ", "-")
        folder.mkdir(exist_ok=True)
        trainer = plan.trainer(model, loss, data, validate, self.epochs, self.seed, folder)
        trainer.fit(resume=self.resume, progress=self.progress)
        return model

    def report(self, title, learned):
        """A `Report` that begins with what was learned from which data."""
        return Report(title, f"Data: {self.source}. {learned}; tested once, on what training never saw.")

    def finish(self, report, results, more=None):
        """Write `metrics.json` and `report.html`, print the tables and who is better, and return the metrics.

        Parameters
        ----------
        report : Report
            The sections about training and configuration are added to it.
        results : sequence of Results
        more : dict of str to number, optional
            Further metrics.
        """
        metrics = {name: number for part in results for name, number in part.flat().items()}
        seconds = self.trainer.at.seconds
        metrics |= {**(more or {}), "parameters": self.trainer.model.num_parameters(),
                    "seconds/train": round(seconds, 1), "seconds/test": round(time.monotonic() - self.tested, 1)}
        self.folder.write("metrics.json", metrics)
        report.heading("Training")
        report.curves([{key: value for key, value in row.items() if key.count("/") < 2}  # not train/gradient/NAME
                       for row in self.trainer.log.rows if row.get("kind") == "epoch"], x="epoch")
        report.heading("Configuration")
        report.config({**self.config, **self.notes, **describe(), "metrics": metrics})
        report.save(self.folder.report)
        for part in results:
            self.say(part)
        self.say("")
        for part in results:
            self.say(part.verdict())
        self.say(f"trained in {seconds:.0f} s; report: {self.folder.report}")
        return metrics
