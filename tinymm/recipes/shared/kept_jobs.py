"""Jobs side by side that each leave what they found in a file of their own; a resumed run reads what is there."""

from functools import partial

import numpy as np

from ...machine import usable_cores
from ...training import load_checkpoint, save_checkpoint
from .side_by_side import Countdown, side_by_side

__all__ = ["FOUND", "all_kept", "counted", "is_kept"]

FOUND = "found.npz"


def counted(run, jobs, countdown=None):
    """Run jobs side by side, told by a countdown.

    Parameters
    ----------
    run : Run
    jobs : dict of str to (str, callable)
        By its name the kind of the job, those of which take about as long, and ``job(report)``, see `side_by_side`.
    countdown : Countdown, optional
        One that knows of further jobs too.
    """
    if countdown is None:
        countdown = Countdown(run.say, {name: kind for name, (kind, _) in jobs.items()}, usable_cores())
    for shares in side_by_side({name: job for name, (_, job) in jobs.items()}):
        countdown(shares)


def all_kept(run, jobs, countdown=None):
    """What each job gives, a dict of str to array; a resumed run that has it already reads it.

    Parameters
    ----------
    run : Run
        Its folder is open.
    jobs : dict of str to (str, callable)
        By the folder's name the kind of the job, and ``compute(report)``, as of `counted`.
    countdown : Countdown, optional
        As of `counted`.

    Returns
    -------
    dict of str to dict
    """
    def kept(path, compute, report):
        save_checkpoint(path, {part: np.asarray(values) for part, values in compute(report).items()}, {})

    counted(run, {name: (kind, partial(kept, _path(run, name), compute)) for name, (kind, compute) in jobs.items()
                  if not is_kept(run, name)}, countdown)
    return {name: load_checkpoint(_path(run, name))[0] for name in jobs}


def is_kept(run, name):
    """Whether a resumed run has the result of a job already."""
    return run.resume and _path(run, name).exists()


def _path(run, name):
    return run.folder.path / name / FOUND
