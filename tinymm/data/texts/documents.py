"""Texts without classes: files of sentences, one a line, an empty line between documents; or a column of a table."""

from pathlib import Path

from ..files import file_error, list_folder, quoted, read_text
from ..tables import LONGEST_FIELD, SUFFIXES, read_rows

__all__ = ["read_document_folder", "read_documents"]

PARTS = ("train", "val", "test")
TEXT = ".txt"


def read_documents(path, column="text"):
    """Read the documents of a file.

    Parameters
    ----------
    path : path
        A ``.txt``, one sentence a line, an empty line between documents; or a table as `read_rows` takes it, of which
        each row is a document of one sentence.
    column : str
        The column of a table that holds the text.

    Returns
    -------
    list of list of str

    Raises
    ------
    ValueError
        Naming the file and the place in it: no sentence, one that is no text or has more than 100,000 characters.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "train.txt")
    ...     _ = path.write_text("It rains.\\nTake a coat.\\n\\nThe sun shines.\\n", "utf-8")
    ...     read_documents(path)
    [['It rains.', 'Take a coat.'], ['The sun shines.']]
    """
    path = Path(path)
    documents = _of_lines(path) if path.suffix.lower() == TEXT else _of_rows(path, column)
    if not documents:
        raise file_error(path, "must have a sentence; got none")
    return documents


def _of_lines(path):
    documents = [[]]
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if len(line) > LONGEST_FIELD:
            raise file_error(path, f"a sentence must have at most {LONGEST_FIELD:,} characters; line {number} has "
                                   f"{len(line):,}")
        if line.strip():
            documents[-1].append(line.strip())
        elif documents[-1]:
            documents.append([])
    return [document for document in documents if document]


def _of_rows(path, column):
    documents = []
    for where, values in read_rows(path, (column,)):
        if not isinstance(values[column], str) or not values[column].strip():
            raise ValueError(f"{where}: {column!r} must be text; got {quoted(values[column])}")
        documents.append([values[column].strip()])
    return documents


def read_document_folder(directory, column="text"):
    """Read a folder of files named train and, where they exist, val and test, each a ``.txt`` or a table.

    Parameters
    ----------
    directory : path
    column : str

    Returns
    -------
    dict of str to list of list of str

    Raises
    ------
    ValueError
        As `read_documents`; or if there is no file train, or there are two files of one name.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "train.csv").write_text("text,category\\nno card yet,arrival\\n", "utf-8")
    ...     read_document_folder(folder)
    {'train': [['no card yet']]}
    """
    directory = Path(directory)
    files = list_folder(directory, (TEXT, *SUFFIXES)).files
    parts = {}
    for name in PARTS:
        found = [path for path in files if path.stem.lower() == name]
        if len(found) > 1:
            raise file_error(directory, f"must hold one file {name}; "
                                        f"got {' and '.join(quoted(path.name) for path in found)}")
        if found:
            parts[name] = read_documents(found[0], column)
        elif name == "train":
            raise file_error(directory, f"must hold a file train.txt (or {', '.join(SUFFIXES)}); it is not there")
    return parts
