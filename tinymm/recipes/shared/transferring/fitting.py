"""Trainings side by side, each in a folder of its own; a resumed run goes on with what is there."""

from typing import NamedTuple

from ....training import TrainingSet
from ..kept_jobs import counted
from ..plan import Plan

__all__ = ["Training", "pre_trained", "trained"]


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
    counted(run, {name: (name, lambda report, name=name, training=training:
                         trained(run, name, training, progress=report)) for name, training in folders.items()})
    # the weights are in the folders of the processes that learned them
    ended = {name: trained(run, f"pre-training/{name}", training, progress=False, resume=True)
             for name, training in trainings.items()}
    return {name: model for name, (model, _) in ended.items()}, {name: seconds for name, (_, seconds) in ended.items()}
