"""Reading compressed and packed files: what a header promises is compared with what is there before memory is taken.

A megabyte of gzip or zip may stand for a gigabyte, and a header of a few bytes for any number of them. So a stream is
inflated only as far as it is read, and an array's memory is taken once its size is known to be true.
"""

import io
import math
import zipfile
import zlib

import numpy as np

from .files import file_error, one_line, open_file, quoted

__all__ = ["KINDS", "LARGEST_ARRAYS", "MOST_INFLATION", "check_shape", "fill", "open_arrays", "open_gzip"]

BLOCK = 1 << 16
MOST_INFLATION = 1032           # bytes that one byte of a deflate stream can stand for
LARGEST_ARRAYS = 1 << 30        # bytes of an .npz file
LARGEST_INFLATED = 1 << 28      # bytes of all its compressed entries
LARGEST_DIRECTORY = 1 << 22     # bytes of its table of contents: some 40,000 entries
MOST_AXES = 32
MOST_MEMBERS = 100_000          # of a gzip file; programs that write in blocks put 64 KiB into each
KINDS = "biufcUS"               # of dtypes: numbers, booleans and text


def check_shape(shape, itemsize):
    """Raise ValueError for a shape that no array can have: too many axes, or more elements than can be counted."""
    if len(shape) > MOST_AXES:
        raise ValueError(f"an array must have at most {MOST_AXES} axes; got {len(shape)}")
    if min(shape, default=0) < 0 or math.prod(max(1, n) for n in shape) * itemsize >= 2**62:
        raise ValueError(f"no array can have the shape {quoted(shape)}")


# gzip -------------------------------------------------------------------------------------------------------------


def open_gzip(file):
    """What a gzip file holds, inflated as far as it is read.

    Parameters
    ----------
    file : binary file

    Returns
    -------
    io.BufferedReader
        Reading raises EOFError where the file is cut short, and zlib.error where it is damaged.

    Examples
    --------
    >>> import gzip
    >>> open_gzip(io.BytesIO(gzip.compress(b"abc") + gzip.compress(b"def"))).read(5)
    b'abcde'
    """
    return io.BufferedReader(_Gzip(file), BLOCK)


class _Gzip(io.RawIOBase):
    """The members of a gzip file one after the other; zeros may follow the last."""

    def __init__(self, file):
        self.file = file
        self.waiting = b""              # read, not yet inflated
        self.member = _new_member()
        self.members = 1

    def readable(self):
        return True

    def readinto(self, buffer):
        while True:
            if self.member.eof and not self._begin_next():
                return 0
            self.waiting = self.waiting or self.file.read(BLOCK)
            if not self.waiting:
                raise EOFError("it ends early")
            piece = self.member.decompress(self.waiting, len(buffer))
            self.waiting = self.member.unconsumed_tail
            if piece:
                buffer[:len(piece)] = piece
                return len(piece)

    def _begin_next(self):
        """Go on with the next member; False if there is none."""
        self.waiting = self.member.unused_data.lstrip(b"\0")
        while not self.waiting:
            block = self.file.read(BLOCK)
            if not block:
                return False
            self.waiting = block.lstrip(b"\0")
        self.member = _new_member()
        self.members += 1
        if self.members > MOST_MEMBERS:
            raise zlib.error(f"it must have at most {MOST_MEMBERS:,} members")
        return True


def _new_member():
    return zlib.decompressobj(zlib.MAX_WBITS | 16)  # with gzip's header, checksum and length


# npz --------------------------------------------------------------------------------------------------------------


def open_arrays(path, largest=LARGEST_ARRAYS):
    """Open an .npz file whose every array is known to be as large as its header says; nothing in it is unpickled.

    Parameters
    ----------
    path : path
    largest : int or None
        Bytes it may have; None for as many as it has.

    Returns
    -------
    mapping of str to array, and a context manager
        Its `headers` (dict of str to (shape, dtype)) and `checksums` (dict of str to the CRC-32 of header and array)
        are there at once; ``arrays[name]`` reads one.

    Raises
    ------
    ValueError
        Naming the file: it is too large or no whole .npz file, compressed entries together hold more than
        256 MiB, or an array is not what its header says, of another kind than numbers and text, or too large.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "a.npz")
    ...     np.savez(path, x=np.arange(3))
    ...     with open_arrays(path) as arrays:
    ...         arrays.headers["x"][0], arrays["x"]
    ((3,), array([0, 1, 2]))
    """
    file = open_file(path, largest)
    try:
        return _Arrays(path, file)
    except Exception as error:
        file.close()
        raise _damaged(path, error) from error


def _damaged(path, error):
    """Damage shows in many ways: a broken directory, a wrong checksum, a header that cannot be parsed, …"""
    return file_error(path, f"must be a whole .npz file; {type(error).__name__}: {one_line(error)}")


class _InPieces:
    """A file that refuses to read much at once, as a zip directory of a gigabyte would ask."""

    def __init__(self, file):
        self.file, self.seek, self.tell, self.close = file, file.seek, file.tell, file.close

    def read(self, size=-1):
        largest = LARGEST_DIRECTORY + 1
        piece = self.file.read(largest if size < 0 else min(size, largest))
        if len(piece) == largest:
            raise ValueError("its table of contents is too long")
        return piece

    def seekable(self):
        return True


class _Arrays:
    """An open .npz file."""

    def __init__(self, path, file):
        self.path = path
        self.file = file
        self.archive = zipfile.ZipFile(_InPieces(file))
        self.headers = {}
        self.checksums = {}
        self._places = {}  # name -> (entry, where its elements begin, whether they are in Fortran's order)
        self._check_sizes(file.seek(0, io.SEEK_END))
        for entry in self.archive.infolist():
            self._add(entry)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def _check_sizes(self, size):
        entries = self.archive.infolist()
        if unknown := [e for e in entries if e.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)]:
            raise ValueError(f"{quoted(unknown[0].filename)} must be stored or deflated")
        stored = [e for e in entries if e.compress_type == zipfile.ZIP_STORED]
        if any(e.file_size != e.compress_size for e in stored) or sum(e.file_size for e in stored) > size:
            raise ValueError(f"entries promise more than the {size:,} bytes that are there")
        deflated = [e for e in entries if e.compress_type == zipfile.ZIP_DEFLATED]
        total = sum(e.file_size for e in deflated)
        if total > LARGEST_INFLATED:
            raise ValueError(f"compressed entries must hold at most {LARGEST_INFLATED:,} bytes; they promise {total:,}")

    def _add(self, entry):
        name = entry.filename.removesuffix(".npy")
        if name == entry.filename or name in self.headers:
            raise ValueError(f"every entry must be an array with a name of its own; got {quoted(entry.filename)}")
        with self.archive.open(entry) as file:
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError(f"{quoted(name)} must be an array of format 1.0")
            shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
            start = file.tell()
        if dtype.kind not in KINDS or dtype.itemsize == 0:
            raise ValueError(f"{quoted(name)} must be an array of numbers or text; got {one_line(dtype)}")
        check_shape(shape, dtype.itemsize)
        if start + math.prod(shape) * dtype.itemsize != entry.file_size:
            raise ValueError(f"{quoted(name)} promises {one_line(dtype)} {quoted(shape)}; "
                             f"got {entry.file_size - start:,} bytes")
        self.headers[name] = (shape, dtype)
        self.checksums[name] = entry.CRC
        self._places[name] = (entry, start, is_fortran)

    def __getitem__(self, name):
        entry, start, is_fortran = self._places[name]
        shape, dtype = self.headers[name]
        try:
            with self.archive.open(entry) as file:
                file.read(start)
                array = np.empty(entry.file_size - start, np.uint8)
                found = fill(array, file)
            if found != len(array):
                raise EOFError(f"{quoted(name)} promises {len(array):,} bytes; got {found:,}")
        except MemoryError:
            raise
        except Exception as error:
            raise _damaged(self.path, error) from error
        array = array != 0 if dtype.kind == "b" else array.view(dtype)
        array = array.reshape(shape[::-1]).T if is_fortran else array.reshape(shape)
        return array.astype(dtype.newbyteorder("="), copy=False)


def fill(buffer, file):
    """Fill a uint8 array with the rest of a file. Its end is looked for, so that a checksum there is compared.

    Returns
    -------
    int
        How many bytes there were; one more than the array holds, if there were more.
    """
    view = memoryview(buffer)
    filled = 0
    while piece := file.read(min(BLOCK, len(view) - filled + 1)):
        if filled + len(piece) > len(view):
            return len(view) + 1
        view[filled:filled + len(piece)] = piece
        filled += len(piece)
    return filled
