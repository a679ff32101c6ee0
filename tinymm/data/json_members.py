"""Objects in JSON arrays of any length, one at a time: of the file only as much is held as one of them takes."""

import json
import re
from pathlib import Path

from .files import decoded_json, file_error, named, open_text, quoted, utf8_error
from .rows import LONGEST_ROW, object_row

__all__ = ["JsonWindow", "array_rows", "read_members"]

BLOCK = 1 << 16             # characters of a JSON file read at a time; more while a value is incomplete
NUMBER_GOES_ON = re.compile(r"(\.|[eE][+-]?)?")  # if what is read ends so after a value, it may be half a number
WHITE_SPACE = re.compile(r"[ \t\r\n]*")


def read_members(path, name, columns=()):
    r"""The members of the array `name` in a file that holds one JSON object, one at a time, whatever the file's size.

    Parameters
    ----------
    path : path
    name : str
    columns : sequence of str
        Keys that every member must have.

    Yields
    ------
    Row

    Raises
    ------
    ValueError
        Naming the file and the place in it, as `read_rows`; or if there is no such array, or there are two.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.json")
    ...     _ = path.write_text('{"year": 2014,\n "questions": [{"id": 7}, {"id": 9}]}')
    ...     [(row.where[-29:], row.values) for row in read_members(path, "questions", ["id"])]
    [('a.json, questions[0] (line 2)', {'id': 7}), ('a.json, questions[1] (line 2)', {'id': 9})]
    """
    path = Path(path)
    try:
        with open_text(path) as file:
            text = JsonWindow(file, path)
            if text.next_character() != "{":
                raise file_error(path, f'must hold an object, {{"{name}": [...]}}; '
                                       f"it begins with {text.next_character()!r}")
            yield from _members_of(text, name, columns)
    except UnicodeDecodeError:
        raise utf8_error(path) from None


def _members_of(text, name, columns):
    """The members of the array of that name in the object that begins here, of which nothing else is kept."""
    found = 0
    for key in _keys(text):
        if key != name:
            text.value()
            continue
        found += 1
        if found > 1:
            raise file_error(text.path, f"must have one array {quoted(name)}; line {text.line} begins another")
        if text.next_character() != "[":
            raise file_error(text.path, f"{quoted(name)} must be an array; it begins with {text.next_character()!r}")
        yield from array_rows(text, columns, lambda number: f"{name}[{number}]")
    if not found:
        raise file_error(text.path, f"must have an array {quoted(name)}; it is not there")


def _keys(text):
    """The keys of an object, of which the reader steps over each value before it asks for the next key."""
    text.skip(1)
    is_first = True
    while text.next_character() != "}":
        if not is_first:
            text.expect(",")
        is_first = False
        if text.next_character() != '"':
            text.expect('"')
        key = text.value()
        text.expect(":")
        text.next_character()
        yield key
    text.skip(1)
    text.expect_end("object")


def array_rows(text, columns, named_by):
    """The members of the array that begins here, all of them objects: Row by Row, each named by its number in it."""
    text.skip(1)
    number = 0
    while text.next_character() != "]":
        if number:
            text.expect(",")
        first = text.next_character()
        where = f"{named(text.path)}, {named_by(number)} (line {text.line})"
        if first != "{":
            raise ValueError(f"{where}: must be an object; it begins with {first!r}")
        yield object_row(where, text.value(), columns)
        number += 1
    text.skip(1)


class JsonWindow:
    """The part of a text file from which JSON is being parsed; it grows while a value is not yet complete."""

    def __init__(self, file, path):
        self.file = file
        self.path = path
        self.text = ""
        self.position = 0       # in the text: all before it is parsed
        self.line = 1           # of the file, at that position
        self.block = BLOCK      # characters to read next

    def skip(self, count):
        """Step over characters, counting lines."""
        self.line += self.text.count("\n", self.position, self.position + count)
        self.position += count

    def next_character(self):
        """The next character that is no white space, without stepping over it; empty at the end of the file."""
        while True:
            self.skip(WHITE_SPACE.match(self.text, self.position).end() - self.position)
            if self.position < len(self.text) or not self._read():
                return self.text[self.position:self.position + 1]

    def expect(self, character):
        """Step over a character that must come next."""
        if self.next_character() != character:
            raise ValueError(f"{named(self.path)}, line {self.line}: must be JSON; expecting {character!r}, "
                             f"got {self.next_character()!r}")
        self.skip(1)

    def expect_end(self, what):
        """Refuse anything that follows."""
        found = self.next_character()
        if found:
            raise ValueError(f"{named(self.path)}, line {self.line}: must end after the {what}; got {found!r}")

    def value(self):
        """The value that begins here.

        Each failed attempt reads twice as much as the one before, so that all together cost about twice the last.
        """
        while True:
            try:
                value, end = decoded_json(self.text, self.position)
            except json.JSONDecodeError as error:
                is_long = len(self.text) - self.position > LONGEST_ROW
                if not is_long and self._read():
                    continue
                line = self.line + self.text.count("\n", self.position, error.pos)
                bound = f" of at most {LONGEST_ROW:,} characters a row" if is_long else ""
                raise ValueError(f"{named(self.path)}, line {line}: must be JSON{bound}; {error.msg}") from None
            except ValueError as error:
                raise ValueError(f"{named(self.path)}, line {self.line}: must be JSON; {error}") from None
            if NUMBER_GOES_ON.fullmatch(self.text, end) and self._read():
                continue
            if end - self.position > LONGEST_ROW:
                raise ValueError(f"{named(self.path)}, line {self.line}: a row must have at most {LONGEST_ROW:,} "
                                 f"characters; got {end - self.position:,}")
            self.skip(end - self.position)
            self.block = BLOCK
            return value

    def _read(self):
        """Read a block more and drop what is parsed; False at the end of the file."""
        more = self.file.read(self.block)
        self.block *= 2
        self.text = self.text[self.position:] + more
        self.position = 0
        return bool(more)
