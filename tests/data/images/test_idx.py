"""IDX files of every dtype, plain and gzip; each way to be broken is answered with the file's name and what came."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinymm.data import read_idx, read_mnist
from tinymm.data.images.idx import DTYPES

dtypes = st.sampled_from(sorted(DTYPES))


def idx(array):
    """The bytes of an IDX file, by the format's description."""
    code = next(code for code, dtype in DTYPES.items() if np.dtype(dtype) == array.dtype.newbyteorder(">"))
    return struct.pack(">HBB", 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) \
        + array.astype(DTYPES[code]).tobytes()


@given(dtypes.flatmap(lambda code: hnp.arrays(np.dtype(DTYPES[code]), hnp.array_shapes(max_dims=4, min_side=0),
                                              elements={"allow_nan": False} if code > 12 else None)),
       st.booleans())
def test_arrays_come_back(tmp_path_factory, array, zipped):
    path = tmp_path_factory.mktemp("idx") / "a"
    path.write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
    found = read_idx(path)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype and not found.flags.writeable


def refused(path, message):
    with pytest.raises(ValueError, match=message) as told:
        read_idx(path)
    assert path.name in str(told.value)


def test_broken_files_are_named(tmp_path):
    whole = idx(np.arange(60, dtype=np.uint8).reshape(5, 4, 3))
    path = tmp_path / "images.gz"
    for content, message in [
        (b"", "must be an IDX file, .* got an empty file"),
        (b"\x89PNG\r\n\x1a\n", "must be an IDX file, .* got 89 50 4e 47"),
        (bytes([0, 0, 7, 1]) + whole[4:], "must be an IDX file, .* got 00 00 07 01"),
        (bytes([0, 0, 8, 0]), "must be an IDX file"),
        (whole[:11], "must hold the lengths of 3 axes; got 11 bytes in all"),
        (whole[:-1], r"\(5, 4, 3\) elements of uint8 make 76 bytes; got 75"),
        (whole + b"\0", r"\(5, 4, 3\) elements of uint8 make 76 bytes; got 77"),
    ]:
        path.write_bytes(content)
        refused(path, message)
        path.write_bytes(gzip.compress(content))
        refused(path, message)
    refused(tmp_path / "nowhere", "the file is not there")
    refused(tmp_path, "must be a file; it is a folder")


def test_a_damaged_gzip_is_told_from_a_damaged_idx(tmp_path):
    rng = np.random.default_rng(0)
    zipped = gzip.compress(idx(rng.integers(0, 256, (40, 30), np.uint8)))
    path = tmp_path / "images.gz"
    path.write_bytes(zipped[:-20])
    refused(path, "must be a whole gzip file; it ends early")
    for place in (11, 200, len(zipped) - 5):  # in the deflate stream, and in the checksum
        changed = bytearray(zipped)
        changed[place] ^= 0xFF
        path.write_bytes(changed)
        refused(path, "must be a whole gzip file")
    path.write_bytes(gzip.compress(b"") * 100_001 + zipped)
    refused(path, "must be a whole gzip file; it must have at most 100,000 members")


@given(st.integers(0, 2**32 - 1))
def test_any_change_of_a_byte_in_a_gzip_is_noticed_or_harmless(tmp_path_factory, seed):
    """Never other numbers without a word."""
    rng = np.random.default_rng(seed)
    array = rng.integers(0, 256, (6, 5), np.uint8)
    zipped = bytearray(gzip.compress(idx(array)))
    zipped[rng.integers(2, len(zipped))] ^= 1 << int(rng.integers(8))
    path = tmp_path_factory.mktemp("idx") / "a.gz"
    path.write_bytes(zipped)
    try:
        np.testing.assert_array_equal(read_idx(path), array)
    except ValueError as error:
        assert "a.gz" in str(error)


@pytest.fixture
def mnist(tmp_path, rng):
    """Four small files in MNIST's layout."""
    for prefix, n in (("train", 12), ("t10k", 5)):
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(idx(rng.integers(0, 256, (n, 6, 7), np.uint8)))
        (tmp_path / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(
            gzip.compress(idx((np.arange(n) % 4).astype(np.uint8))))
    return tmp_path


def test_the_parts_of_a_folder(mnist):
    parts = read_mnist(mnist)
    train, test = parts["train"], parts["test"]
    assert len(train) == 12 and len(test) == 5 and train.size == (1, 6, 7) and train.names == ["0", "1", "2", "3"]
    stored = read_idx(mnist / "train-images-idx3-ubyte")
    np.testing.assert_array_equal(np.rint(train.load(np.array([3, 1]))[:, 0] * 255), stored[[3, 1]])
    assert train.load(np.array([0])).dtype == np.float32 and train.labels[:5].tolist() == [0, 1, 2, 3, 0]
    (mnist / "t10k-images-idx3-ubyte").unlink()
    (mnist / "t10k-labels-idx1-ubyte.gz").unlink()
    assert list(read_mnist(mnist)) == ["train"]


def test_other_spellings(mnist):
    (mnist / "train-images-idx3-ubyte").rename(mnist / "train-images.idx3-ubyte")
    assert len(read_mnist(mnist)["train"]) == 12


def test_folders_that_do_not_fit_are_named(mnist, rng):
    def refuse(message):
        with pytest.raises(ValueError, match=message):
            read_mnist(mnist)

    labels = mnist / "train-labels-idx1-ubyte.gz"
    before = labels.read_bytes()
    labels.write_bytes(idx(np.zeros(11, np.uint8)))
    refuse("train-labels-idx1-ubyte.gz: must have a label for each image of train-images-idx3-ubyte; "
           "got 11 labels for 12 images")
    labels.write_bytes(idx(np.zeros((12, 2), np.uint8)))
    refuse(r"train-labels-idx1-ubyte.gz: must hold labels \(n,\) of unsigned bytes; got uint8 \(12, 2\)")
    labels.write_bytes(idx(np.zeros(12, np.uint8)))
    refuse(r"each label of the test files must occur in the training files; got \[1, 2, 3\]")
    labels.write_bytes(before)
    images = mnist / "t10k-images-idx3-ubyte"
    images.write_bytes(idx(rng.integers(0, 256, (5, 6, 6), np.uint8)))
    refuse(r"images for training and test must have one size; got \(1, 6, 7\) and \(1, 6, 6\)")
    images.write_bytes(idx(np.zeros((5, 6, 7), np.int32)))
    refuse(r"t10k-images-idx3-ubyte: must hold images \(n, H, W\) of unsigned bytes; got int32 \(5, 6, 7\)")
    images.unlink()
    refuse("must hold t10k-images-idx3-ubyte or t10k-images-idx3-ubyte.gz; got neither")
    (mnist / "train-images-idx3-ubyte").unlink()
    refuse("must hold train-images-idx3-ubyte or train-images-idx3-ubyte.gz; got neither")


def test_the_real_digits(shared_data):
    train = read_mnist(shared_data("mnist"))["train"]
    assert len(train) == 10_000 and train.size == (1, 28, 28) and len(train.names) == 10
    assert np.bincount(train.labels).min() > 800
