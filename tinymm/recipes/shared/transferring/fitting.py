"""One training of many, in a folder of its own; a resumed run takes it from there."""

import time

import numpy as np

from ....training import load_checkpoint, save_checkpoint

__all__ = ["Countdown", "kept", "trained"]

RESULT = "right.npz"


def trained(run, name, plan, model, loss, data, validate=None, seed=None):
    """Train a model by a plan in the folder `name` of the run's.

    Parameters
    ----------
    run : Run
        Its folder is open.
    name : str
    plan : Plan
    model, loss, data, validate
        As for `Trainer`.
    seed : int, optional
        Of the order of the batches; by default the run's.

    Returns
    -------
    model : Module
        With the weights that the plan keeps.
    seconds : float
        Of training.
    """
    folder = run.folder.path / name
    folder.mkdir(parents=True, exist_ok=True)
    trainer = plan.trainer(model, loss, data, validate, run.epochs, run.seed if seed is None else seed, folder)
    trainer.fit(run.resume, run.progress)
    return trainer.model, trainer.at.seconds


def kept(run, name, compute):
    """What ``compute()`` gives, a dict of str to array; a resumed run that has it already reads it."""
    path = run.folder.path / name / RESULT
    if run.resume and path.exists():
        return load_checkpoint(path)[0]
    found = {part: np.asarray(values) for part, values in compute().items()}
    save_checkpoint(path, found, {})
    return found


class Countdown:
    """Tells how many of some trainings are done, and how long the others will take.

    Parameters
    ----------
    run : Run
    counts : dict of str to int
        By kind, how many trainings there are, and how long one takes against one of another kind.
    """

    def __init__(self, run, counts):
        self.run, self.left = run, dict(counts)
        self.total, self.done, self.spent = sum(counts.values()), 0, {}

    def __call__(self, kind, name, compute):
        """``compute()``, told before it begins."""
        self.run.say(f"\n{name}: training {self.done + 1} of {self.total}{self._left()}")
        began = time.monotonic()
        found = compute()
        self.spent.setdefault(kind, []).append(time.monotonic() - began)
        self.left[kind] -= 1
        self.done += 1
        return found

    def _left(self):
        if not self.spent:
            return ""
        usual = np.mean([np.mean(spent) for spent in self.spent.values()])
        seconds = sum(count * np.mean(self.spent.get(kind, [usual])) for kind, count in self.left.items())
        return f", about {seconds / 60:.0f} min left"
