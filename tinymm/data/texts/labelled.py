"""Texts with a class each, in tables as BANKING77 and many others use: `train.csv`, and perhaps `test.csv`."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..tables import read_rows

__all__ = ["LabelledTexts", "read_labelled_texts", "read_text_folder"]

ENDINGS = (".csv", ".tsv", ".jsonl", ".json")


@dataclass
class LabelledTexts:
    """Texts and the number of each one's class.

    Attributes
    ----------
    texts : list of str
    labels : numpy.ndarray
        int64 (N,), numbers that index `classes`.
    classes : tuple of str
    """

    texts: list[str]
    labels: np.ndarray
    classes: tuple[str, ...]

    def __len__(self):
        return len(self.texts)

    def rows(self, indices):
        """The rows of these numbers (an int array), in the order given."""
        return LabelledTexts([self.texts[i] for i in indices], self.labels[indices], self.classes)


def read_labelled_texts(path, columns=("text", "category"), classes=None):
    """Read a table of texts and their classes.

    Parameters
    ----------
    path : path
        As for `read_rows`.
    columns : (str, str)
        The column of the text and that of the class.
    classes : sequence of str, optional
        All classes there may be; by default those that occur, sorted.

    Returns
    -------
    LabelledTexts

    Raises
    ------
    ValueError
        Naming the file and the row: what `read_rows` refuses; a text or a class that is empty or not a string; a class
        that is not one of `classes`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "train.csv")
    ...     _ = path.write_text("text,category\\nno card yet,arrival\\nwhich rate?,rate\\n", "utf-8")
    ...     read_labelled_texts(path)
    LabelledTexts(texts=['no card yet', 'which rate?'], labels=array([0, 1]), classes=('arrival', 'rate'))
    """
    known = None if classes is None else set(classes)
    text_column, class_column = columns
    texts = []
    names = []
    for where, values in read_rows(path, columns):
        for column in columns:
            value = values[column]
            if not isinstance(value, str) or not value.strip():
                raise ValueError(f"{where}: {column!r} must be text; got {value!r}")
        name = values[class_column]
        if known is not None and name not in known:
            raise ValueError(f"{where}: {class_column!r} must be one of the {len(known)} classes known; got {name!r}")
        texts.append(values[text_column])
        names.append(name)
    if not texts:
        raise ValueError(f"{path}: must have a row; got none")
    classes = tuple(sorted(set(names)) if classes is None else classes)
    number = {name: k for k, name in enumerate(classes)}
    return LabelledTexts(texts, np.array([number[name] for name in names], np.int64), classes)


def read_text_folder(directory, columns=("text", "category")):
    """Read a folder of tables named train and, where they exist, val and test; all have the classes of train.

    Parameters
    ----------
    directory : path
        May hold `categories.json`, a list of the classes in their order.
    columns : (str, str)

    Returns
    -------
    dict of str to LabelledTexts

    Raises
    ------
    ValueError
        As `read_labelled_texts`; or if there is no table train, or there are two tables of one name.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "train.csv").write_text(
    ...         "text,category\\nno card yet,arrival\\nwhich rate?,rate\\n", "utf-8")
    ...     _ = Path(folder, "test.jsonl").write_text('{"text": "rates?", "category": "rate"}\\n', "utf-8")
    ...     {name: part.labels.tolist() for name, part in read_text_folder(folder).items()}
    {'train': [0, 1], 'test': [1]}
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise ValueError(f"{directory}: must be a folder with a table train.csv; "
                         + ("it is a file" if directory.exists() else "it is not there"))
    classes = _classes(directory / "categories.json")
    parts = {}
    for name in ("train", "val", "test"):
        found = [directory / f"{name}{ending}" for ending in ENDINGS if (directory / f"{name}{ending}").exists()]
        if len(found) > 1:
            raise ValueError(f"{directory}: must hold one table {name}; "
                             f"got {' and '.join(path.name for path in found)}")
        if name == "train" and not found:
            raise ValueError(f"{directory}: must hold a table train.csv (or {', '.join(ENDINGS[1:])}); it is not there")
        if found:
            parts[name] = read_labelled_texts(found[0], columns, classes)
            classes = parts[name].classes
    return parts


def _classes(path):
    """The list of classes in a JSON file; None if there is no such file."""
    if not path.exists():
        return None
    try:
        classes = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: must be JSON; {error}") from None
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes) \
            or len(set(classes)) != len(classes):
        raise ValueError(f"{path}: must be a list of distinct texts; got {str(classes)[:80]}")
    return tuple(classes)
