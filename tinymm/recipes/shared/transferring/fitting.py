"""Trainings side by side, each in a folder of its own; a resumed run takes what is there from these."""

from functools import partial
from typing import NamedTuple

import numpy as np

from ....machine import usable_cores
from ....training import TrainingSet, load_checkpoint, save_checkpoint
from ..plan import Plan
from ..side_by_side import Countdown, side_by_side

__all__ = ["Training", "all_kept", "pre_trained", "trained"]

RESULT = "right.npz"


class Training(NamedTuple):
    """A model and how it learns.

    Attributes
    ----------
    plan : Plan
    model : Module
    loss, data, validate
        As for `Trainer`.
    """

    plan: Plan
    model: object
    loss: object
    data: TrainingSet
    validate: object = None


def trained(run, name, training, seed=None, progress=None, resume=None):
    """Train a model in the folder `name` of the run's, or go on with it.

    Parameters
    ----------
    run : Run
        Its folder is open.
    name : str
    training : Training
    seed : int, optional
        Of the order of the batches; by default the run's.
    progress : bool or callable, optional
        As for `Trainer.fit`; by default the run's.
    resume : bool, optional
        By default the run's.

    Returns
    -------
    model : Module
        With the weights that the plan keeps.
    seconds : float
        Of training.
    """
    folder = run.folder.path / name
    folder.mkdir(parents=True, exist_ok=True)
    plan, model, loss, data, validate = training
    trainer = plan.trainer(model, loss, data, validate, run.epochs, run.seed if seed is None else seed, folder)
    trainer.fit(run.resume if resume is None else resume, run.progress if progress is None else progress)
    return trainer.model, trainer.at.seconds


def pre_trained(run, trainings):
    """Train some models side by side, each in the folder ``pre-training/NAME``.

    Parameters
    ----------
    run : Run
    trainings : dict of str to Training

    Returns
    -------
    models : dict of str to Module
        With their weights.
    seconds : dict of str to float
        That each took.
    """
    folders = {f"pre-training/{name}": training for name, training in trainings.items()}
    _side_by_side(run, {name: (name, lambda report, name=name, training=training:
                               trained(run, name, training, progress=report)) for name, training in folders.items()})
    # the weights are in the folders of the processes that learned them
    ended = {name: trained(run, f"pre-training/{name}", training, progress=False, resume=True)
             for name, training in trainings.items()}
    return {name: model for name, (model, _) in ended.items()}, {name: seconds for name, (_, seconds) in ended.items()}


def all_kept(run, jobs):
    """What each job gives, a dict of str to array; a resumed run that has it already reads it.

    Parameters
    ----------
    run : Run
    jobs : dict of str to (str, callable)
        By the folder's name the kind of the job, those of which take about as long, and ``compute(report)``, see
        `side_by_side`.

    Returns
    -------
    dict of str to dict
    """
    paths = {name: run.folder.path / name / RESULT for name in jobs}

    def kept(path, compute, report):
        save_checkpoint(path, {part: np.asarray(values) for part, values in compute(report).items()}, {})

    _side_by_side(run, {name: (kind, partial(kept, paths[name], compute)) for name, (kind, compute) in jobs.items()
                        if not (run.resume and paths[name].exists())})
    return {name: load_checkpoint(path)[0] for name, path in paths.items()}


def _side_by_side(run, jobs):
    """Jobs with their kinds, told by a countdown."""
    countdown = Countdown(run.say, {name: kind for name, (kind, _) in jobs.items()}, usable_cores())
    for shares in side_by_side({name: job for name, (_, job) in jobs.items()}):
        countdown(shares)
