"""Checkpoints: named arrays and a dict of plain values in one .npz file, which is replaced atomically.

Nothing in the file is pickled, so opening a stranger's checkpoint runs no code.
"""

import json
import zipfile

import numpy as np

from ..writing import replaced

__all__ = ["load_checkpoint", "load_weights", "part_of", "save_checkpoint"]

META = "meta"  # the entry that holds the plain values, as JSON text


def save_checkpoint(path, arrays, meta):
    """Write arrays and plain values to one file. At every moment the file on disk is complete: the old or the new one.

    Parameters
    ----------
    path : str or Path
        The folder is created if it does not exist.
    arrays : mapping of str to array_like
        Any names but ``"meta"``; slashes may group them. `numpy.load` opens the file too.
    meta : dict
        Whatever JSON can hold, such as counters or the state of a `numpy.random.Generator`.

    Raises
    ------
    ValueError
        If an array holds Python objects, or is called ``"meta"``.

    Notes
    -----
    It is written by `replaced` (`tinymm/writing.py`), to a temporary file in the same folder. A process that is killed
    meanwhile leaves that behind; the next `Trainer` in that folder removes it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(f"{folder}/a.npz", {"model/weight": np.arange(3)}, {"step": 7})
    ...     load_checkpoint(f"{folder}/a.npz")
    ({'model/weight': array([0, 1, 2])}, {'step': 7})
    """
    if META in arrays:
        raise ValueError(f"save_checkpoint: the name {META!r} is taken by the plain values; got an array of that name")
    with replaced(path) as file:
        _write(file, {**arrays, META: np.array(json.dumps(meta))})


def _write(file, arrays):
    """The zip of .npy entries that NumPy calls .npz; `numpy.savez` would refuse arrays called "file"."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)


def load_checkpoint(path):
    """Read what `save_checkpoint` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    arrays : dict of str to ndarray
    meta : dict

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is truncated, damaged, or no checkpoint; naming it.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.npz").write_text("something else")
    ...     load_checkpoint(f"{folder}/a.npz")
    Traceback (most recent call last):
    ValueError: load_checkpoint: ...a.npz is damaged or no checkpoint (...)
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
            return arrays, json.loads(arrays.pop(META).item())
    except FileNotFoundError:
        raise
    # damage shows in many ways: a broken zip directory, a wrong checksum, an array header that cannot be parsed, …
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"load_checkpoint: {path} is damaged or no checkpoint ({reason})") from error


def part_of(arrays, name):
    """The arrays whose names begin with ``name/``, without that beginning.

    Examples
    --------
    >>> part_of({"model/weight": 1, "model/bias": 2, "kept/weight": 3}, "model")
    {'weight': 1, 'bias': 2}
    """
    prefix = f"{name}/"
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}


def load_weights(path, model):
    """Put the weights `Trainer.fit` ended with, or would have if it stopped now, into a model.

    Parameters
    ----------
    path : str or Path
        A ``checkpoint.npz`` of a Trainer.
    model : Module
        Built as the one that was trained.

    Raises
    ------
    ValueError
        If the file is damaged or the weights do not fit.

    Examples
    --------
    >>> import tempfile, tinymm as tm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(f"{folder}/checkpoint.npz",
    ...                     {"model/weight": np.ones((1, 2)), "model/bias": np.zeros(1)}, {})
    ...     model = tm.nn.Linear(2, 1, rng=np.random.default_rng(0))
    ...     load_weights(f"{folder}/checkpoint.npz", model)
    >>> model.weight.data
    array([[1., 1.]], dtype=float32)
    """
    arrays, _ = load_checkpoint(path)
    model.load_state_dict(part_of(arrays, "kept") or part_of(arrays, "model"))
