"""Every function of a room as a target: forwards, layers, optimisers, readers, metrics; not only what makes gradients.

There are far more changes of these than can be run. So a number of them is drawn, and the score has an interval.
"""

import importlib
import pkgutil
import random

from .mutants import mutants_of
from .targets import Target, definitions

__all__ = ["ROOMS", "drawn", "mutants_in", "targets_of_room"]

ROOMS = {  # room -> the folders or files of tests that are asked, besides the examples in the docstrings of the room
    "functional": ("functional", "cores"),
    "cores": ("cores", "functional"),
    "autograd": ("autograd", "functional/test_methods.py", "functional/test_traps.py"),
    "nn": ("nn",),
    "optim": ("optim",),
    "training": ("training",),
    "mapping": ("mapping",),
    "metrics": ("metrics",),
    "data": ("data",),
    "encoders": ("encoders",),
    "fusion": ("fusion",),
}


def mutants_in(room, files=()):
    """Every mutant of a room, or of some of its files.

    Raises
    ------
    ValueError
        If the room has no such file.
    """
    targets = targets_of_room(room)
    missing = set(files) - {target.file for target in targets}
    if missing:
        raise ValueError(f"mutate: the room {room} has no file {min(missing)!r}")
    return [mutant for target in targets if not files or target.file in files for mutant in mutants_of(target)]


def targets_of_room(room):
    """The functions and methods of all files of a room, in the order of the text."""
    package = importlib.import_module(f"tinymm.{room}")
    names = [package.__name__, *(m.name for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}."))]
    found = []
    for name in names:
        importlib.import_module(name)
        found += [Target(name, qualname, text, (), node.lineno, node.col_offset)
                  for qualname, (node, text) in definitions(name).items()]
    return found


def drawn(mutants, count, seed):
    """So many of the mutants, in their order: the same ones for the same seed and text."""
    chosen = random.Random(seed).sample(range(len(mutants)), min(count, len(mutants)))
    return [mutants[k] for k in sorted(chosen)]
