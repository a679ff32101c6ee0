"""Checkpoints: named arrays and a dict of plain values in one .npz file, which is replaced atomically.

Nothing in the file is pickled, so opening a stranger's checkpoint runs no code. What is in it is checked once, when it
is opened: that every array is there as it was saved, and, before any is read, that it fits.
"""

import errno
import json
import os
import zipfile

import numpy as np

from ..data.archives import KINDS, open_arrays
from ..data.files import MOST_JSON_VALUES, named, one_line, quoted
from ..writing import replaced

__all__ = ["Checkpoint", "load_checkpoint", "load_weights", "misfits", "not_finite", "part_of", "save_checkpoint"]

META = "meta"  # the entry that holds the plain values, as JSON text
CHECKSUMS = "checksums"  # the last entry: the CRC-32 of every other one by name, as JSON text


def save_checkpoint(path, arrays, meta):
    """Write arrays and plain values to one file. At every moment the file on disk is complete: the old or the new one.

    Parameters
    ----------
    path : str or Path
        The folder is created if it does not exist.
    arrays : mapping of str to array_like
        Numbers, booleans or text, under any names but ``"meta"`` and ``"checksums"``; slashes may group them.
        `numpy.load` opens the file too.
    meta : dict
        Whatever JSON can hold, such as counters or the state of a `numpy.random.Generator`.

    Raises
    ------
    ValueError
        If an array holds anything else, such as Python objects, or has one of the two names.

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
    arrays = {name: np.asanyarray(array) for name, array in arrays.items()}
    for name, array in arrays.items():
        if name in (META, CHECKSUMS):
            raise ValueError(f"save_checkpoint: the name {name!r} is taken by what the file says of itself; "
                             "got an array of that name")
        if array.dtype.kind not in KINDS or array.dtype.itemsize == 0:
            raise ValueError(f"save_checkpoint: {name!r} must hold numbers, booleans or text; got {array.dtype}")
    with replaced(path) as file:
        _write(file, {**arrays, META: np.array(json.dumps(meta))})


def _write(file, arrays):
    """The zip of .npy entries that NumPy calls .npz; `numpy.savez` would refuse arrays called "file"."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            _write_entry(archive, name, array)
        checksums = {entry.filename.removesuffix(".npy"): entry.CRC for entry in archive.infolist()}
        _write_entry(archive, CHECKSUMS, np.array(json.dumps(checksums)))


def _write_entry(archive, name, array):
    with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
        np.lib.format.write_array(entry, array, allow_pickle=False)


class Checkpoint:
    """An open checkpoint: what it says is there at once, its arrays are read when they are asked for.

    Parameters
    ----------
    path : str or Path

    Attributes
    ----------
    meta : dict
    headers : dict of str to (shape, dtype)

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is truncated, damaged, no checkpoint, or not as `save_checkpoint` wrote it; naming it. Files of
        earlier versions hold no checksums, and are believed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(f"{folder}/a.npz", {"model/weight": np.arange(3)}, {"step": 7})
    ...     with Checkpoint(f"{folder}/a.npz") as checkpoint:
    ...         checkpoint.meta, checkpoint.headers["model/weight"][0], checkpoint["model/weight"]
    ({'step': 7}, (3,), array([0, 1, 2]))
    """

    def __init__(self, path):
        self.path = path
        if not os.path.lexists(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(path))
        try:
            self._archive = open_arrays(path, largest=None)
        except ValueError as error:
            raise self._damaged(error) from error
        try:
            self.headers = {name: kind for name, kind in self._archive.headers.items() if name not in (META, CHECKSUMS)}
            self._compare_checksums()
            self.meta = self._json(META)
        except BaseException:
            self._archive.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._archive.__exit__(*error)

    def __getitem__(self, name):
        try:
            return self._archive[name]
        except ValueError as error:
            raise self._damaged(error) from error

    def weights(self, own):
        """The weights that training ended with, or would have if it had stopped when they were saved.

        Parameters
        ----------
        own : dict of str to ndarray
            The state of the model they are for.

        Returns
        -------
        dict of str to ndarray

        Raises
        ------
        ValueError
            Naming the file, if they do not fit, before any is read; or if they hold infinities or NaN.
        """
        part = "kept" if part_of(self.headers, "kept") else "model"
        problems = misfits(part_of(self.headers, part), own)
        if problems:
            raise ValueError(f"load_weights: {named(self.path)} must hold the weights of this model; {problems}")
        with np.errstate(over="ignore"):
            weights = {name: self[f"{part}/{name}"].astype(array.dtype) for name, array in own.items()}
        if wrong := not_finite(weights):
            raise ValueError(f"load_weights: {named(self.path)} must hold finite weights; {wrong} holds infinities or "
                             "NaN, as of a training that diverged")
        return weights

    def _compare_checksums(self):
        if CHECKSUMS not in self._archive.headers:
            return
        stored, found = self._json(CHECKSUMS), {**self._archive.checksums}
        del found[CHECKSUMS]
        for name in sorted({*stored, *found}):
            if stored.get(name) != found.get(name):
                change = "was there" if name not in found else "was not there" if name not in stored else "was another"
                raise self._damaged(f"it was changed: {quoted(name)} {change} when it was saved")

    def _json(self, name):
        """The dict that an entry holds as JSON text."""
        shape, dtype = self._archive.headers.get(name, (None, None))
        if shape != () or dtype.kind != "U":
            raise self._damaged(f"its entry {name!r} must be JSON text")
        try:
            text = self[name].item()
            if sum(map(text.count, ",[{")) > MOST_JSON_VALUES:
                raise ValueError("it holds too many values")
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self._damaged(f"{name!r} must be JSON; {error}") from error
        if not isinstance(value, dict):
            raise self._damaged(f"{name!r} must be a dict; got {quoted(value)}")
        return value

    def _damaged(self, reason):
        shown = named(self.path)
        reason = one_line(str(reason).removeprefix(f"{shown}: "))
        return ValueError(f"load_checkpoint: {shown} is damaged or no checkpoint ({reason})")


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
    FileNotFoundError, ValueError
        As `Checkpoint`.

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
    with Checkpoint(path) as checkpoint:
        return {name: checkpoint[name] for name in checkpoint.headers}, checkpoint.meta


def part_of(arrays, name):
    """The arrays whose names begin with ``name/``, without that beginning.

    Examples
    --------
    >>> part_of({"model/weight": 1, "model/bias": 2, "kept/weight": 3}, "model")
    {'weight': 1, 'bias': 2}
    """
    prefix = f"{name}/"
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}


def misfits(headers, own):
    """Why saved arrays do not fit a state: other names, shapes or kinds of numbers; "" if they do.

    Parameters
    ----------
    headers : dict of str to (shape, dtype)
    own : dict of str to ndarray

    Examples
    --------
    >>> misfits({"weight": ((3,), np.dtype("int64")), "gain": ((), np.dtype("f4"))}, {"weight": np.zeros(2)})
    "unknown 'gain'; 'weight' must be float64 (2,), it is int64 (3,)"
    """
    problems = [f"missing {quoted(name)}" for name in own if name not in headers]
    problems += [f"unknown {quoted(name)}" for name in headers if name not in own]
    for name, array in own.items():
        shape, dtype = headers.get(name, (array.shape, array.dtype))
        if shape != array.shape or dtype.kind != array.dtype.kind:
            problems.append(f"{quoted(name)} must be {array.dtype} {array.shape}, it is {dtype} {quoted(shape)}")
    return "; ".join(problems[:3]) + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")


def not_finite(arrays):
    """The name of the first array that holds an infinity or NaN, or None.

    Examples
    --------
    >>> not_finite({"a": np.arange(3), "b": np.array([1.0, np.inf])})
    'b'
    """
    return next((name for name, array in arrays.items() if array.dtype.kind in "fc" and not np.isfinite(array).all()),
                None)


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
        Naming the file, if it is damaged or the weights do not fit or are not finite; the model is left as it was.

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
    with Checkpoint(path) as checkpoint:
        model.load_state_dict(checkpoint.weights(model.state_dict()))
