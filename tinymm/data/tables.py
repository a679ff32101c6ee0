"""Rows of CSV, JSON and JSONL files, one at a time; every error names the file and the place in it.

A file is read only as far as its rows are asked for, so it may be larger than the memory. Text is UTF-8, with or
without a byte order mark.
"""

import csv
from collections import Counter
from pathlib import Path

from .files import decoded_json, file_error, named, open_text, quoted, utf8_error
from .json_members import JsonWindow, array_rows, read_members
from .rows import LONGEST_FIELD, LONGEST_ROW, Row, check_lengths, listed, object_row, too_long

__all__ = ["LONGEST_FIELD", "Row", "SUFFIXES", "read_members", "read_rows"]

SUFFIXES = (".csv", ".tsv", ".jsonl", ".json")


def read_rows(path, columns=(), tabs=None):
    r"""The rows of a table, whose name ends in ``.csv``, ``.tsv``, ``.json`` (an array of objects) or ``.jsonl``, in
    capitals or not.

    Parameters
    ----------
    path : path
    columns : sequence of str
        Columns that must be there; in a JSON file, in every row.
    tabs : bool, optional
        Whether tabs separate the fields of a CSV file; by default if its name ends in ``.tsv``.

    Yields
    ------
    Row
        Empty lines of CSV and JSONL are skipped.

    Raises
    ------
    ValueError
        Naming the file and the row, line or byte: the file is not there, of another kind or not UTF-8; a column is
        missing or named twice; a row has more or fewer fields than the header; a quote is never closed, or in a TSV
        closed in another line although each of the lines has all fields; a text has more than 100,000 characters, a
        row more than a million; JSON is broken or is not made of objects.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "train.csv")
    ...     _ = path.write_text('text,category\n"Where is\nmy card?",card_arrival\n', "utf-8")
    ...     [row.values for row in read_rows(path, ["text", "category"])]
    [{'text': 'Where is\nmy card?', 'category': 'card_arrival'}]
    """
    path = Path(path)
    kinds = {".csv": _csv_rows, ".tsv": _csv_rows, ".json": _json_rows, ".jsonl": _jsonl_rows}
    suffix = path.suffix.lower()
    if suffix not in kinds:
        raise file_error(path, f"a table must be one of {', '.join(kinds)}; got {quoted(suffix or 'no ending')}")
    try:
        if kinds[suffix] is _csv_rows:
            yield from _csv_rows(path, tuple(columns), suffix == ".tsv" if tabs is None else tabs)
        else:
            yield from kinds[suffix](path, tuple(columns))
    except UnicodeDecodeError:
        raise utf8_error(path) from None
    except OSError as error:
        raise file_error(path, f"must be a file that can be read; {error.strerror or error}") from error


def _csv_rows(path, columns, tabs):
    with open_text(path, newline="") as file:
        line = 1  # where the next row begins
        lines = _Lines(file, path)
        reader = csv.reader(lines, delimiter="\t" if tabs else ",", strict=True)
        try:
            header = next((fields for fields in reader if fields), None)
            _check_header(path, header, columns)
            number = 0
            line = reader.line_num + 1
            lines.forget()
            for fields in reader:
                if fields:
                    number += 1
                    where = f"{named(path)}, row {number} (line {line})"
                    if tabs:
                        _check_quotes(where, lines.taken, len(header))
                    yield Row(where, _checked(where, header, fields))
                line = reader.line_num + 1
                lines.forget()
        except csv.Error as error:
            where = f"{named(path)}, line {reader.line_num}"
            if str(error).startswith("field larger"):  # as Python itself bounds it, by 131,072 unless told otherwise
                raise ValueError(f"{where}: {too_long(f'the field that begins in line {line}')}") from None
            raise ValueError(f"{where}: must be CSV; {error}") from None


class _Lines:
    """The lines of a text file; `taken` are those of one row, which together must not be too long.

    A NUL is refused: it shows that the file is UTF-16, which can pass for UTF-8 otherwise.
    """

    def __init__(self, file, path):
        self.file = file
        self.path = path
        self.number = 0
        self.taken = []
        self.length = 0

    def forget(self):
        """The next line begins a row."""
        self.taken.clear()
        self.length = 0

    def __iter__(self):
        return self

    def __next__(self):
        line = self.file.readline(LONGEST_ROW + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if "\0" in line:
            raise self._wrong("must be UTF-8 text; it holds a NUL, as UTF-16 does: save it as UTF-8")
        self.taken.append(line)
        self.length += len(line)
        if self.length > LONGEST_ROW:
            raise self._wrong(f"a row must have at most {LONGEST_ROW:,} characters; it has more")
        return line

    def _wrong(self, message):
        return ValueError(f"{named(self.path)}, line {self.number}: {message}")


def _check_quotes(where, lines, columns):
    """Refuse a quote of the text itself that was taken for the beginning of a quoted field, and swallowed lines.

    Some programs quote fields of a TSV, others never do. If each line has all its fields by itself, both can be meant.
    """
    if len(lines) > 1 and all(line.count("\t") == columns - 1 for line in lines):
        raise ValueError(f"{where}: a quote begins a field that ends {len(lines) - 1} lines below, but each line has "
                         f"{columns} fields of its own; write the quote twice within quotes, or save the table as CSV")


def _checked(where, header, fields):
    """The fields of a row by column."""
    if len(fields) != len(header):
        raise ValueError(f"{where}: must have {len(header)} fields, as the header; got {len(fields)}")
    row = dict(zip(header, fields))
    check_lengths(where, row)
    return row


def _check_header(path, header, columns):
    if header is None:
        raise file_error(path, "must begin with a header; the file is empty")
    twice = sorted(name for name, count in Counter(header).items() if count > 1)
    if twice:
        raise file_error(path, f"every column needs a name of its own; the header has {quoted(twice[0])} twice")
    missing = [name for name in columns if name not in header]
    if missing:
        raise file_error(path, f"must have the column {missing[0]!r}; its header is {listed(header)}")


def _jsonl_rows(path, columns):
    with open_text(path) as file:
        number = 0
        lines = _Lines(file, path)
        for line, text in enumerate(lines, 1):
            lines.forget()
            if text.strip():
                number += 1
                try:
                    value, _ = decoded_json(text.rstrip())
                except ValueError as error:
                    problem = getattr(error, "msg", error)
                    raise ValueError(f"{named(path)}, line {line}: must be JSON; {problem}") from None
                yield object_row(f"{named(path)}, row {number} (line {line})", value, columns)


def _json_rows(path, columns):
    """The members of an array, each parsed as soon as all of it has been read."""
    with open_text(path) as file:
        text = JsonWindow(file, path)
        if text.next_character() != "[":
            raise file_error(path, f"must hold an array of objects, [{{...}}, ...]; "
                                   f"it begins with {text.next_character()!r}")
        yield from array_rows(text, columns, lambda number: f"row {number + 1}")
        text.expect_end("array")
