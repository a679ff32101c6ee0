"""What the readers of questions check alike."""

import re

from ..files import quoted

__all__ = ["MOST", "check_identity", "checked_text", "part_of"]

LONGEST = 1000      # letters of a question or an answer
MOST = 2_000_000    # questions of a part, all of which are held in memory
PART = re.compile(r"(?<![a-z])(train|val|test)(?![a-z])")


def checked_text(where, name, value):
    """A question or an answer, without white space around it; an error that begins with `where` if it is no text."""
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST:
        raise ValueError(f"{where}: {name} must be text of at most {LONGEST:,} letters; got {quoted(value)}")
    return value.strip()


def check_identity(where, name, value, kinds=int):
    """Raise an error that begins with `where` if a value cannot be an id: `true` is 1 in Python, but names nothing."""
    is_one = isinstance(value, kinds) and not isinstance(value, bool)
    if not is_one or value == "" or isinstance(value, int) and value < 0:
        wanted = "a number" if kinds is int else "a number or text"
        raise ValueError(f"{where}: {name} must be {wanted}; got {quoted(value)}")


def part_of(name):
    """Which part a file's name says it is of: "train", "val", "test", or None.

    Examples
    --------
    >>> [part_of(name) for name in ("v2_mscoco_Train2014_annotations.json", "Test_frameqa_question.csv", "training")]
    ['train', 'test', None]
    """
    found = PART.search(name.lower())
    return found and found[1]
