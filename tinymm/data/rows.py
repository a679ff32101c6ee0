"""One row of a table, whatever the format of its file, and what holds of all of them."""

from itertools import islice
from typing import NamedTuple

from .files import quoted

__all__ = ["LONGEST_FIELD", "LONGEST_ROW", "Row", "check_lengths", "listed", "object_row", "too_long"]

LONGEST_FIELD = 100_000     # characters of a text
LONGEST_ROW = 1 << 20       # characters of a line of CSV or JSONL, and of a member of a JSON array


class Row(NamedTuple):
    """One row of a table.

    Attributes
    ----------
    where : str
        File and place, for messages: ``"train.csv, row 3 (line 5)"``, the file as `named` shows it;
        rows count from 1, the header of a CSV not counted.
    values : dict of str to object
        The values by column; those of a CSV file are all str.
    """

    where: str
    values: dict


def object_row(where, value, columns):
    """The row of a JSON value, which must be an object with these keys."""
    if not isinstance(value, dict):
        raise ValueError(f"{where}: must be an object; got {type(value).__name__}")
    missing = [name for name in columns if name not in value]
    if missing:
        raise ValueError(f"{where}: must have {missing[0]!r}; it has {listed(value) or 'nothing'}")
    check_lengths(where, value)
    return Row(where, value)


def check_lengths(where, row):
    """Raise an error that begins with `where` if a text is too long."""
    if sum(map(len, filter(_is_text, row.values()))) <= LONGEST_FIELD:
        return
    for name, value in row.items():
        if _is_text(value) and len(value) > LONGEST_FIELD:
            raise ValueError(f"{where}: {too_long(quoted(name))}; got {len(value):,}")


def _is_text(value):
    return isinstance(value, str)


def too_long(what):
    """The message for a text that is."""
    return f"{what} must have at most {LONGEST_FIELD:,} characters"


def listed(names, most=20):
    """Names for a message."""
    names = list(islice(names, most + 1))
    return ", ".join(map(quoted, names[:most])) + (", …" if len(names) > most else "")
