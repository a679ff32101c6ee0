"""Reader of IDX files, plain or gzip, and of folders laid out as MNIST and Fashion-MNIST are.

An IDX file is a header and the bare numbers: two zero bytes, a byte that encodes the dtype, a byte that counts the
axes, the length of each axis as a big-endian 32-bit integer, then the elements in C order, big-endian.
"""

import math
import os
import zlib
from pathlib import Path

import numpy as np

from ..archives import MOST_INFLATION, check_shape, fill, open_gzip
from ..files import file_error, named, open_file
from .labelled import LabelledImages

__all__ = ["read_idx", "read_mnist"]

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
LARGEST_INFLATED = 3 << 28      # bytes that a gzip file may hold: 768 MiB, and EMNIST's largest part needs 522
MOST_IMAGES = 10_000_000


def read_idx(path):
    """An IDX file as an array.

    Parameters
    ----------
    path : path
        A plain file is mapped into memory and read as it is used. A gzip file is recognised by content, not by name; it
        may hold 768 MiB.

    Returns
    -------
    numpy.ndarray
        Read only, of the file's shape and dtype.

    Raises
    ------
    ValueError
        Naming the file and what is wrong: missing, no IDX file, a damaged gzip, too short, too long or too large.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = file.write(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])), file.flush()
    ...     read_idx(file.name).tolist()
    [[1, 2, 3], [4, 5, 6]]
    """
    with open_file(path, largest=None) as file:
        size = os.fstat(file.fileno()).st_size
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            return _inflated(path, open_gzip(file), size) if zipped else _mapped(path, file, size)
        except (EOFError, zlib.error) as error:
            raise file_error(path, f"must be a whole gzip file; {error}") from error
        except OSError as error:
            raise file_error(path, f"must be a file that can be read; {error.strerror or error}") from error


def _mapped(path, file, size):
    """The array of a plain file."""
    dtype, shape, start = _header(path, file)
    promised = start + math.prod(shape) * dtype.itemsize
    if size != promised:
        raise _wrong_size(path, dtype, shape, promised, f"{size}")
    if size == start:
        return _read_only(np.empty(shape, dtype))
    return np.memmap(file, dtype, "r", start, shape).view(np.ndarray)


def _inflated(path, stream, size):
    """The array of a gzip file of so many bytes; no more of it is inflated than its header promises."""
    dtype, shape, start = _header(path, stream)
    elements = math.prod(shape) * dtype.itemsize
    if elements > LARGEST_INFLATED:
        raise file_error(path, f"a gzip file must hold at most {LARGEST_INFLATED:,} bytes; it promises {elements:,}")
    if elements > MOST_INFLATION * size:
        raise _wrong_size(path, dtype, shape, start + elements, f"{size} bytes of gzip, which cannot hold as many")
    stored = np.empty(elements, np.uint8)
    found = fill(stored, stream)
    if found != elements:
        raise _wrong_size(path, dtype, shape, start + elements, f"{start + found}" + " or more" * (found > elements))
    return _read_only(stored.view(dtype).reshape(shape))


def _header(path, file):
    """dtype, shape and the place of the first element; the file has then been read up to it."""
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in DTYPES or head[3] == 0:
        raise file_error(path, "must be an IDX file, which begins 00 00, dtype, axes; "
                               f"got {head.hex(' ') or 'an empty file'}")
    dtype = np.dtype(DTYPES[head[2]])
    axes = head[3]
    lengths = file.read(4 * axes)
    if len(lengths) < 4 * axes:
        raise file_error(path, f"must hold the lengths of {axes} axes; got {4 + len(lengths)} bytes in all")
    shape = tuple(np.frombuffer(lengths, ">u4").tolist())
    try:
        check_shape(shape, dtype.itemsize)
    except ValueError as error:
        raise file_error(path, str(error)) from None
    return dtype, shape, 4 + 4 * axes


def _wrong_size(path, dtype, shape, promised, got):
    return file_error(path, f"{shape} elements of {dtype.name} make {promised} bytes; got {got}")


def _read_only(array):
    array.flags.writeable = False
    return array


def read_mnist(directory):
    """The parts of a folder in MNIST's layout: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, and `t10k-…`.

    Each file may be gzip (`.gz`), and may have a dot in place of its second hyphen, as in some copies.

    Parameters
    ----------
    directory : path

    Returns
    -------
    dict of str to LabelledImages
        "train", and "test" where the t10k files are there.

    Raises
    ------
    ValueError
        Naming the file and what is wrong: what `read_idx` refuses; arrays that are not images (n, H, W) or labels (n,)
        of unsigned bytes; unequal numbers of images and labels; labels of the test part that training lacks.
    """
    directory = Path(directory)
    parts = {"train": _part(directory, "train")}
    if any(_found(directory, "t10k", kind) for kind in ("images-idx3", "labels-idx1")):
        parts["test"] = _part(directory, "t10k")
    names = [str(i) for i in range(int(max(part.labels.max() for part in parts.values())) + 1)]
    for part in parts.values():
        part.names = names
    if "test" in parts:
        _check_alike(directory, parts)
    return parts


def _check_alike(directory, parts):
    """Images of one size in both parts, and no label that occurs in the test part only; or an error."""
    train = parts["train"]
    test = parts["test"]
    if train.size != test.size:
        raise file_error(directory, "images for training and test must have one size; "
                                    f"got {train.size} and {test.size}")
    if unknown := sorted(set(test.labels.tolist()) - set(train.labels.tolist())):
        raise file_error(directory, f"each label of the test files must occur in the training files; got {unknown}")


def _part(directory, prefix):
    """Images and labels of the files that begin with `prefix`."""
    paths = {}
    for kind in ("images-idx3", "labels-idx1"):
        paths[kind] = _found(directory, prefix, kind)
        if paths[kind] is None:
            raise file_error(directory, f"must hold {prefix}-{kind}-ubyte or {prefix}-{kind}-ubyte.gz; got neither")
    images = read_idx(paths["images-idx3"])
    labels = read_idx(paths["labels-idx1"])
    _check_bytes(paths["images-idx3"], images, 3, "images (n, H, W)")
    _check_bytes(paths["labels-idx1"], labels, 1, "labels (n,)")
    if len(images) != len(labels):
        raise file_error(paths["labels-idx1"], "must have a label for each image of "
                                               f"{named(paths['images-idx3'].name)}; "
                                               f"got {len(labels)} labels for {len(images)} images")

    def load(indices):
        return images[indices][:, None].astype(np.float32) / np.float32(255)

    return LabelledImages(labels.astype(np.int64), names=[], size=(1, *images.shape[1:]), load=load)


def _check_bytes(path, array, axes, what):
    if array.ndim != axes or array.dtype != np.uint8 or array.size == 0:
        raise file_error(path, f"must hold {what} of unsigned bytes; got {array.dtype.name} {array.shape}")
    if len(array) > MOST_IMAGES:
        raise file_error(path, f"must hold at most {MOST_IMAGES:,} of them; got {len(array):,}")


def _found(directory, prefix, kind):
    """The path of one of the four files, under any of its spellings; None if it is not there."""
    for stem in (f"{prefix}-{kind}-ubyte", f"{prefix}-{kind.replace('-', '.')}-ubyte"):
        for ending in ("", ".gz"):
            path = directory / (stem + ending)
            if os.path.lexists(path):  # if it is no file, reading says so
                return path
    return None
