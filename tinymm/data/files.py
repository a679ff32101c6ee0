"""The one door for reading: every file that a user names is opened here, and every message about one is made here.

What comes in from outside is not trusted. A file must be a regular one (a pipe would wait for ever) and no larger than
a stated size; text must be UTF-8; JSON must be of a size and depth that the memory bears. Whatever is wrong ends in one
line, a ValueError that names the file and the place in it, with control characters escaped and long values cut.

============================================  =========================================================
`open_file`, `open_text`, `check_file`        a regular file of at most a stated size, as bytes or UTF-8
`read_bytes`, `read_text`, `read_json`        all of it
`parse_json`                                  the same checks for JSON that is in memory already
`list_folder`                                 a folder's files of certain suffixes, its folders, the rest
`file_error`, `utf8_error`                    the errors
`named`, `quoted`, `one_line`                 paths, values and others' messages, as they show them
============================================  =========================================================
"""

import codecs
import io
import json
import os
import reprlib
import stat
from pathlib import Path
from typing import NamedTuple

__all__ = ["LARGEST", "LARGEST_JSON", "Listing", "check_file", "decoded_json", "file_error", "list_folder", "named",
           "one_line", "open_file", "open_text", "parse_json", "quoted", "read_bytes", "read_json", "read_text",
           "utf8_error"]

LARGEST = 1 << 29               # bytes of a file that is read whole into memory: 512 MiB
LARGEST_JSON = 1 << 27          # bytes of JSON that is parsed whole: 128 MiB
MOST_JSON_VALUES = 5_000_000    # in it: each takes up to 200 bytes once it is a Python object
BLOCK = 1 << 16                 # bytes read at a time
LONGEST_VALUE = 200             # letters of a value in a message
LONGEST_PATH = 400              # letters of a path in a message: a file's own name has at most 255

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def named(path):
    r"""A path as messages show it: control characters and bytes that are not UTF-8 escaped, only the end of a long one.

    Examples
    --------
    >>> print(named("data/a\nb.png"))
    data/a\nb.png
    """
    text = os.fsdecode(path)
    shown = _escaped(text[-LONGEST_PATH:])
    return f"…{shown}" if len(text) > LONGEST_PATH else shown


def one_line(text):
    r"""Another program's message: control characters escaped, cut at 200 letters.

    Examples
    --------
    >>> print(one_line("bad header\nat 4"))
    bad header\nat 4
    """
    text = str(text)
    return _escaped(text[:LONGEST_VALUE]) + ("…" if len(text) > LONGEST_VALUE else "")


def _escaped(text):
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def quoted(value):
    """A value that a file holds, as messages show it: its repr, cut at 200 letters.

    Examples
    --------
    >>> quoted("a\\x1b[31m"), quoted({"id": [1, 2]})
    ("'a\\\\x1b[31m'", "{'id': [1, 2]}")
    >>> len(quoted("x" * 10**6))
    203
    """
    short = value[:LONGEST_VALUE] if isinstance(value, str | bytes) else value
    whole = _SHORT.repr(short)
    text = whole[:LONGEST_VALUE + 2]  # an escaped letter counts as those that show it
    return text if short is value and text == whole else text + "…"


_SHORT = reprlib.Repr()  # cuts inside containers too, so that a large or deep one costs nothing
_SHORT.maxlevel = 3
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 2 * LONGEST_VALUE


def file_error(path, message):
    """The ValueError that names a file: ``raise file_error(path, "must be an image; got 3 bytes")``.

    Examples
    --------
    >>> file_error("a/b.csv", "must have a row; got none")
    ValueError('a/b.csv: must have a row; got none')
    """
    return ValueError(f"{named(path)}: {message}")


def open_file(path, largest=LARGEST):
    """Open a regular file for reading bytes; a link to one is followed.

    Parameters
    ----------
    path : path
    largest : int or None
        Bytes it may hold. None only for a file of which the reader never holds more than a part.

    Returns
    -------
    io.BufferedReader

    Raises
    ------
    ValueError
        Naming the file: it is not there, cannot be read, is a folder, a pipe or a device, or is too large.

    Examples
    --------
    >>> open_file("/nowhere/train.csv")
    Traceback (most recent call last):
    ValueError: /nowhere/train.csv: the file is not there
    """
    check_file(path)
    file = _asked(path, _opened)
    try:
        status = os.fstat(file.fileno())
        _check_regular(path, status)  # once more: another may have taken its place
        if largest is not None and status.st_size > largest:
            raise file_error(path, f"must be at most {largest:,} bytes; got {status.st_size:,}")
    except BaseException:
        file.close()
        raise
    return file


def check_file(path):
    """Raise what `open_file` would, if a path is none of a regular file; nothing is opened."""
    _check_regular(path, _asked(path, os.stat))


def _asked(path, call):
    """`call(path)`; what the operating system says against it becomes a message that names the file."""
    try:
        return call(path)
    except FileNotFoundError:
        raise file_error(path, "the file is not there") from None
    except OSError as error:
        raise file_error(path, f"must be a file that can be read; {error.strerror or error}") from error
    except ValueError as error:  # a NUL or half a surrogate pair
        raise file_error(path, "no file can have this name") from error


def _opened(path):
    """The file, open; a pipe that has just taken its place does not make us wait."""
    return open(path, "rb", opener=lambda path, flags: os.open(path, flags | getattr(os, "O_NONBLOCK", 0)))


def _check_regular(path, status):
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket",
             stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    if not stat.S_ISREG(status.st_mode):
        raise file_error(path, f"must be a file; it is {kinds.get(stat.S_IFMT(status.st_mode), 'something else')}")


def read_bytes(path, largest=LARGEST):
    """All bytes of a file; errors as `open_file`.

    Examples
    --------
    >>> read_bytes(__file__)[3:15]
    b'The one door'
    """
    with open_file(path, largest) as file:
        try:
            content = file.read(largest + 1)
        except OSError as error:
            raise file_error(path, f"must be a file that can be read; {error.strerror or error}") from error
    if len(content) > largest:  # it has grown meanwhile, or is one of those that do not tell their size
        raise file_error(path, f"must be at most {largest:,} bytes; it holds more")
    return content


def read_text(path, largest=LARGEST):
    """All text of a UTF-8 file, without a byte order mark; line ends stay as they are.

    Raises
    ------
    ValueError
        As `open_file`; or naming line and byte of what is not UTF-8.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.txt")
    ...     _ = path.write_bytes(b"\\xef\\xbb\\xbfabc")
    ...     read_text(path)
    'abc'
    """
    content = read_bytes(path, largest)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise utf8_error(path, io.BytesIO(content)) from None


def open_text(path, largest=None, newline=None):
    """Open a UTF-8 file for reading text in parts; `newline` as for `open`.

    Reading on raises UnicodeDecodeError where it is not UTF-8; `utf8_error` then says where that is.
    """
    return io.TextIOWrapper(open_file(path, largest), encoding="utf-8-sig", newline=newline)


def utf8_error(path, file=None):
    """The ValueError for a file that is not UTF-8, or for the binary file given: where its first invalid byte is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with file or open_file(path, largest=None) as file:
        before = 0                                  # bytes of the file that are decoded
        line = 1
        is_read = False
        while not is_read:
            block = file.read(BLOCK)
            is_read = not block
            rest = decoder.getstate()[0] + block    # with the beginning of a letter whose end is in this block
            if before == 0 and rest.startswith(UTF16_MARKS):
                return file_error(path, "must be UTF-8 text; it begins with the mark of UTF-16: save it as UTF-8")
            try:
                decoder.decode(block, final=is_read)
            except UnicodeDecodeError as error:
                line += rest.count(b"\n", 0, error.start)
                place = f"line {line}, byte {before + error.start} of the file (0x{rest[error.start]:02x})"
                return file_error(path, f"must be UTF-8 text; {place} is not, as in Latin-1 or a file that is no text: "
                                        "save it as UTF-8")
            done = len(rest) - len(decoder.getstate()[0])
            before += done
            line += rest.count(b"\n", 0, done)
    return file_error(path, "must be UTF-8 text; it changed while it was read")


def parse_json(text, where):
    """The value of a JSON text.

    Parameters
    ----------
    text : str
    where : str
        The file as `named` shows it, and the place in it, for messages.

    Raises
    ------
    ValueError
        Beginning with `where`: it is not JSON, nested too deeply, holds too many values, a number of thousands of
        digits, or half a surrogate pair, which is no text.

    Examples
    --------
    >>> parse_json('{"a": [1, 2}', "a.json")
    Traceback (most recent call last):
    ValueError: a.json: must be JSON; line 1, column 12: Expecting ',' delimiter
    """
    values = sum(map(text.count, ",[{"))
    if values > MOST_JSON_VALUES:
        raise ValueError(f"{where}: must hold at most {MOST_JSON_VALUES:,} values; got {values:,}")
    try:
        return decoded_json(text)[0]
    except json.JSONDecodeError as error:
        raise ValueError(f"{where}: must be JSON; line {error.lineno}, column {error.colno}: {error.msg}") from None
    except ValueError as error:
        raise ValueError(f"{where}: must be JSON; {error}") from None


def decoded_json(text, start=None):
    """A value of JSON and where it ends in the text; with `start`, the value that begins there and any text may follow.

    Raises
    ------
    json.JSONDecodeError
        Where it is not JSON, which more text may mend if it does not end where the text does.
    ValueError
        Where no more text could.
    """
    try:
        if start is None:
            value, end = json.loads(text), len(text)
        else:
            value, end = _DECODER.raw_decode(text, start)
        if text.find("\\u", start or 0, end) >= 0:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        return value, end
    except RecursionError:
        problem = "it is nested too deeply"
    except UnicodeEncodeError as error:
        problem = f"\\u{ord(error.object[error.start]):04x} alone is half a letter, which no text can hold"
    except json.JSONDecodeError:
        raise
    except ValueError:  # Python's own bound on the digits of an int
        problem = "a number has thousands of digits"
    raise ValueError(problem)


_DECODER = json.JSONDecoder()


def read_json(path, largest=LARGEST_JSON):
    """The value of a JSON file; errors as `open_file`, `read_text` and `parse_json`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.json")
    ...     _ = path.write_text('["x", "y"]')
    ...     read_json(path)
    ['x', 'y']
    """
    return parse_json(read_text(path, largest), named(path))


class Listing(NamedTuple):
    """What a folder holds, each kind sorted by name.

    Attributes
    ----------
    files : list of pathlib.Path
        Those with one of the suffixes asked for, and whatever else bears one and is no folder: opening it says what.
    folders : list of pathlib.Path
    others : list of pathlib.Path
        Files of other suffixes, and files that are hidden, among them the companions `._x.png` that macOS writes.
    """

    files: list
    folders: list
    others: list


def list_folder(directory, suffixes):
    """The files of a folder that end in one of `suffixes`, in capitals or not; hidden folders are left out.

    A name that is not UTF-8 comes as Python's `os.fsdecode` gives it: it can be opened, and `named` can show it.

    Parameters
    ----------
    directory : path
    suffixes : sequence of str
        In small letters, such as ``(".jpg", ".png")``.

    Returns
    -------
    Listing

    Raises
    ------
    ValueError
        Naming the folder, if it is none or cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("b.PNG", "a.png", "._a.png", "notes.txt"):
    ...         Path(folder, name).touch()
    ...     found = list_folder(folder, (".png",))
    >>> [path.name for path in found.files], [path.name for path in found.others]
    (['a.png', 'b.PNG'], ['._a.png', 'notes.txt'])
    """
    listing = Listing([], [], [])
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                hidden = entry.name.startswith(".")
                path = Path(entry.path)
                if _is_folder(entry):
                    if not hidden:
                        listing.folders.append(path)
                elif hidden or path.suffix.lower() not in suffixes:
                    listing.others.append(path)
                else:
                    listing.files.append(path)
    except FileNotFoundError:
        raise file_error(directory, "the folder is not there") from None
    except OSError as error:
        raise file_error(directory, f"must be a folder that can be read; {error.strerror or error}") from error
    except ValueError as error:
        raise file_error(directory, "no folder can have this name") from error
    for paths in listing:
        paths.sort()
    return listing


def _is_folder(entry):
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in a circle
        return False
