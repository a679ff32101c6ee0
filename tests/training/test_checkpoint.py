"""Checkpoints: what goes in comes out, whole or not at all."""

import json
import os
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.training import load_checkpoint, save_checkpoint
from tinymm.training.checkpoint import misfits

names = st.text(st.characters(codec="ascii", categories=("L", "N"), include_characters="./_ "), min_size=1, max_size=12)


@given(shapes=st.dictionaries(names.filter(lambda n: n != "meta"), st.lists(st.integers(0, 3), max_size=3), max_size=4),
       dtype=st.sampled_from(["float32", "float64", "int64", "bool", "<U5"]), seed=st.integers(0, 99))
def test_round_trip(tmp_path_factory, shapes, dtype, seed):
    rng = np.random.default_rng(seed)
    arrays = {name: rng.integers(0, 100, shape).astype(dtype) for name, shape in shapes.items()}
    path = tmp_path_factory.mktemp("round") / "a.npz"
    save_checkpoint(path, arrays, {"seed": seed, "half": 0.1})
    back, meta = load_checkpoint(path)
    assert meta == {"seed": seed, "half": 0.1} and list(back) == list(arrays)
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype and back[name].shape == array.shape and (back[name] == array).all()


def test_names_that_savez_would_refuse(tmp_path):
    save_checkpoint(tmp_path / "a.npz", {"file": np.arange(2), "a/b.c": np.zeros((2, 3), order="F")}, {})
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert archive["file"].tolist() == [0, 1]
        assert archive["a/b.c"].shape == (2, 3)


def test_generators_go_through_json(tmp_path, rng):
    rng.random(3)
    save_checkpoint(tmp_path / "a.npz", {}, {"rng": rng.bit_generator.state})
    expected = rng.random(5)
    again = np.random.default_rng()
    again.bit_generator.state = load_checkpoint(tmp_path / "a.npz")[1]["rng"]
    assert (again.random(5) == expected).all()


def test_the_same_content_gives_the_same_bytes(tmp_path, rng):
    arrays = {"x": rng.standard_normal(5)}
    for name in ("a.npz", "b.npz"):
        save_checkpoint(tmp_path / name, arrays, {"n": 1})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize("where", ["os.fsync", "os.replace", "numpy.lib.format.write_array", "json.dumps"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, where, error):
    save_checkpoint(tmp_path / "a.npz", {"x": np.arange(5)}, {"n": 1})

    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(where, fail)
    with pytest.raises(type(error)):
        save_checkpoint(tmp_path / "a.npz", {"x": np.arange(6)}, {"n": 2})
    monkeypatch.undo()
    arrays, meta = load_checkpoint(tmp_path / "a.npz")
    assert arrays["x"].tolist() == [0, 1, 2, 3, 4] and meta == {"n": 1}
    assert os.listdir(tmp_path) == ["a.npz"]


def test_every_truncation_is_found(tmp_path):
    path = tmp_path / "a.npz"
    save_checkpoint(path, {"x": np.arange(20.0)}, {"n": 1})
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"load_checkpoint: .*a\.npz is damaged or no checkpoint"):
            load_checkpoint(path)


def test_a_flipped_bit_in_an_array_is_found(tmp_path):
    path = tmp_path / "a.npz"
    save_checkpoint(path, {"x": np.full(50, 1.25)}, {"n": 1})
    damaged = bytearray(path.read_bytes())
    damaged[damaged.index(np.float64(1.25).tobytes()) + 80] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match="damaged"):
        load_checkpoint(path)


@pytest.mark.parametrize("change, said", [
    (lambda entries, other: entries.update({f"{name}.npy": other for name in "bcdefgh"}),
     "'b' was another when it was saved"),
    (lambda entries, other: entries.pop("b.npy"), "'b' was there when it was saved"),
    (lambda entries, other: entries.update({"a.npy": other}), "'a' was not there when it was saved"),
    (lambda entries, other: entries.update({"meta.npy": other}), "'meta' was another when it was saved"),
], ids=["exchanged", "gone", "more", "values"])
def test_a_whole_entry_that_was_changed_is_found(tmp_path, change, said):
    """The zip is sound, and so is each entry; of several the first by name is told. A file of earlier versions, without
    checksums, is believed."""
    save_checkpoint(tmp_path / "a.npz", {name: np.arange(3) for name in "bcdefgh"}, {"n": 1})
    save_checkpoint(tmp_path / "b.npz", {"b": np.arange(5)}, {})
    with zipfile.ZipFile(tmp_path / "a.npz") as archive, zipfile.ZipFile(tmp_path / "b.npz") as second:
        entries = {name: archive.read(name) for name in archive.namelist()}
        change(entries, second.read("meta.npy" if "meta" in said else "b.npy"))

    def write():
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as changed:
            for name, content in entries.items():
                changed.writestr(name, content)

    write()
    with pytest.raises(ValueError, match=rf"load_checkpoint: .* \(it was changed: {said}\)"):
        load_checkpoint(tmp_path / "a.npz")
    del entries["checksums.npy"]
    write()
    arrays, meta = load_checkpoint(tmp_path / "a.npz")
    assert {*arrays, "meta"} == {name.removesuffix(".npy") for name in entries}
    assert meta == ({} if "meta" in said else {"n": 1})


@pytest.mark.parametrize("saved, said", [
    ({"a": np.zeros(2), "b": np.zeros(3)}, ""),
    ({"a": np.zeros(2, np.float32), "b": np.zeros(3)}, ""),
    ({"a": np.zeros(3), "b": np.zeros(3)}, "'a' must be float64 (2,), it is float64 (3,)"),
    ({"a": np.zeros(2, bool), "b": np.zeros(3)}, "'a' must be float64 (2,), it is bool (2,)"),
    ({"a": np.zeros(2)}, "missing 'b'"),
    ({"c": 0, "b": np.zeros(3), "d": 0}, "missing 'a'; unknown 'c'; unknown 'd'"),
    ({"c": 0, "d": 0}, "missing 'a'; missing 'b'; unknown 'c'; and 1 more"),
    ({"c": 0, "d": 0, "e": 0}, "missing 'a'; missing 'b'; unknown 'c'; and 2 more")])
def test_why_saved_arrays_do_not_fit(saved, said):
    """Another precision fits; three reasons are told, and how many more there are."""
    headers = {name: (np.shape(array), np.asarray(array).dtype) for name, array in saved.items()}
    assert misfits(headers, {"a": np.zeros(2), "b": np.zeros(3)}) == said


def test_nothing_is_unpickled(tmp_path):
    with pytest.raises(ValueError):
        save_checkpoint(tmp_path / "a.npz", {"x": np.array([{}], dtype=object)}, {})
    np.savez(tmp_path / "b.npz", x=np.array([{}], dtype=object), meta=np.array(json.dumps({})))
    with pytest.raises(ValueError, match="damaged or no checkpoint"):
        load_checkpoint(tmp_path / "b.npz")


def test_missing_file_and_taken_name(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "none.npz")
    with pytest.raises(ValueError, match="save_checkpoint: the name 'meta' is taken"):
        save_checkpoint(tmp_path / "a.npz", {"meta": np.zeros(1)}, {})
