"""Reader of IDX files, plain or gzip, and of folders laid out as MNIST and Fashion-MNIST are.

An IDX file is a header and the bare numbers: two zero bytes, a byte that encodes the dtype, a byte that counts the
axes, the length of each axis as a big-endian 32-bit integer, then the elements in C order, big-endian.
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from .labelled import LabelledImages

__all__ = ["read_idx", "read_mnist"]

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path):
    """An IDX file as an array.

    Parameters
    ----------
    path : path
        A plain file is mapped into memory and read as it is used. A gzip file is recognised by content, not by name.

    Returns
    -------
    numpy.ndarray
        Read only, of the file's shape and dtype.

    Raises
    ------
    ValueError
        Naming the file and what is wrong: missing, no IDX file, a damaged gzip, too short or too long.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = file.write(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])), file.flush()
    ...     read_idx(file.name).tolist()
    [[1, 2, 3], [4, 5, 6]]
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        if not zipped:
            stored = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, np.uint8)
        else:
            with gzip.open(path) as file:
                stored = np.frombuffer(file.read(), np.uint8)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: must be a whole gzip file; {error}") from error
    except OSError as error:
        raise ValueError(f"{path}: must be a file that can be read; {error.strerror or error}") from error
    return _parsed(stored, path)


def _parsed(stored, path):
    """The array that the bytes of an IDX file describe."""
    head = stored[:4].tobytes()
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in DTYPES or head[3] == 0:
        raise ValueError(f"{path}: must be an IDX file, which begins 00 00, dtype, axes; "
                         f"got {head.hex(' ') or 'an empty file'}")
    dtype = np.dtype(DTYPES[head[2]])
    axes = head[3]
    start = 4 + 4 * axes                                                    # of the elements
    if len(stored) < start:
        raise ValueError(f"{path}: must hold the lengths of {axes} axes; got {len(stored)} bytes in all")
    shape = tuple(stored[4:start].view(">u4").tolist())
    expected = start + math.prod(shape) * dtype.itemsize
    if len(stored) != expected:
        raise ValueError(f"{path}: {shape} elements of {dtype.name} make {expected} bytes; got {len(stored)}")
    return stored[start:].view(dtype).reshape(shape)


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
        raise ValueError(f"{directory}: images for training and test must have one size; "
                         f"got {train.size} and {test.size}")
    if unknown := sorted(set(test.labels.tolist()) - set(train.labels.tolist())):
        raise ValueError(f"{directory}: each label of the test files must occur in the training files; got {unknown}")


def _part(directory, prefix):
    """Images and labels of the files that begin with `prefix`."""
    paths = {}
    for kind in ("images-idx3", "labels-idx1"):
        paths[kind] = _found(directory, prefix, kind)
        if paths[kind] is None:
            raise ValueError(f"{directory}: must hold {prefix}-{kind}-ubyte or {prefix}-{kind}-ubyte.gz; got neither")
    images = read_idx(paths["images-idx3"])
    labels = read_idx(paths["labels-idx1"])
    _check_bytes(paths["images-idx3"], images, 3, "images (n, H, W)")
    _check_bytes(paths["labels-idx1"], labels, 1, "labels (n,)")
    if len(images) != len(labels):
        raise ValueError(f"{paths['labels-idx1']}: must have a label for each image of {paths['images-idx3'].name}; "
                         f"got {len(labels)} labels for {len(images)} images")

    def load(indices):
        return images[indices][:, None].astype(np.float32) / np.float32(255)

    return LabelledImages(labels.astype(np.int64), names=[], size=(1, *images.shape[1:]), load=load)


def _check_bytes(path, array, axes, what):
    if array.ndim != axes or array.dtype != np.uint8 or array.size == 0:
        raise ValueError(f"{path}: must hold {what} of unsigned bytes; got {array.dtype.name} {array.shape}")


def _found(directory, prefix, kind):
    """The path of one of the four files, under any of its spellings; None if it is not there."""
    for stem in (f"{prefix}-{kind}-ubyte", f"{prefix}-{kind.replace('-', '.')}-ubyte"):
        for ending in ("", ".gz"):
            path = directory / (stem + ending)
            if path.is_file():
                return path
    return None
