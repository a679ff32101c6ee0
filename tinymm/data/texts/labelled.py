"""Texts with a class each, in tables as BANKING77 and many others use: `train.csv`, and perhaps `test.csv`."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..files import file_error, list_folder, open_file, quoted, read_json
from ..tables import SUFFIXES, read_rows

__all__ = ["LabelledTexts", "read_labelled_texts", "read_text_folder"]

PARTS = ("train", "val", "test")
LARGEST = 1 << 28       # bytes of a table, all of whose texts are held in memory
MOST_ROWS = 2_000_000


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
        that is not one of `classes`; more than two million rows or 256 MiB.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "train.csv")
    ...     _ = path.write_text("text,category\\nno card yet,arrival\\nwhich rate?,rate\\n", "utf-8")
    ...     read_labelled_texts(path)
    LabelledTexts(texts=['no card yet', 'which rate?'], labels=array([0, 1]), classes=('arrival', 'rate'))
    """
    open_file(path, LARGEST).close()
    known = None if classes is None else set(classes)
    text_column, class_column = columns
    texts = []
    names = []
    number = {}  # of each class, in the order in which they come
    for where, values in read_rows(path, columns):
        for column in columns:
            value = values[column]
            if not isinstance(value, str) or not value.strip():
                raise ValueError(f"{where}: {column!r} must be text; got {quoted(value)}")
        name = values[class_column]
        if known is not None and name not in known:
            raise ValueError(f"{where}: {class_column!r} must be one of the {len(known)} classes known; "
                             f"got {quoted(name)}")
        if len(texts) == MOST_ROWS:
            raise ValueError(f"{where}: there must be at most {MOST_ROWS:,} rows")
        texts.append(values[text_column])
        names.append(number.setdefault(name, len(number)))
    if not texts:
        raise file_error(path, "must have a row; got none")
    classes = tuple(sorted(number) if classes is None else classes)
    place = {name: k for k, name in enumerate(classes)}
    labels = np.array([place[name] for name in number], np.int64)[np.array(names)]
    return LabelledTexts(texts, labels, classes)


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
    tables = list_folder(directory, SUFFIXES).files
    classes = _classes(directory / "categories.json")
    parts = {}
    for name in PARTS:
        found = [path for path in tables if path.stem.lower() == name]
        if len(found) > 1:
            raise file_error(directory, f"must hold one table {name}; "
                                        f"got {' and '.join(quoted(path.name) for path in found)}")
        if name == "train" and not found:
            raise file_error(directory, f"must hold a table train.csv (or {', '.join(SUFFIXES[1:])}); it is not there")
        if found:
            parts[name] = read_labelled_texts(found[0], columns, classes)
            classes = parts[name].classes
    return parts


def _classes(path):
    """The list of classes in a JSON file; None if there is no such file."""
    if not os.path.lexists(path):
        return None
    classes = read_json(path)
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes) \
            or len(set(classes)) != len(classes):
        raise file_error(path, f"must be a list of distinct texts; got {quoted(classes)}")
    return tuple(classes)
