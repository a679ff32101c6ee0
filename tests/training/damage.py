"""Ways in which a checkpoint comes to be damaged: on its way, by another program, or by somebody who means harm."""

import io
import json
import warnings
import zipfile

import numpy as np

from tinymm.training import load_checkpoint, save_checkpoint

VALUES = [None, True, -1, 1.5, float("nan"), float("inf"), 10**30, "x", "", "\ud800", [], [None], {}, {"x": 1},
          json.loads("[" * 90 + "]" * 90)]


def kind_of(value):
    return "number" if type(value) in (int, float) else type(value).__name__


# Bytes ------------------------------------------------------------------------------------------------------------


def flipped(data, rng):
    place = int(rng.integers(len(data)))
    return data[:place] + bytes([data[place] ^ 1 << int(rng.integers(8))]) + data[place + 1:]


def cut(data, rng):
    return data[:int(rng.integers(len(data)))]


def without_a_piece(data, rng):
    start, length = int(rng.integers(len(data))), int(rng.integers(1, 200))
    return data[:start] + data[start + length:]


def zeroed(data, rng):
    start, length = int(rng.integers(len(data))), int(rng.integers(1, 600))
    return data[:start] + bytes(len(data[start:start + length])) + data[start + length:]


def with_something_behind(data, rng):
    return data + rng.bytes(int(rng.integers(1, 90)))


# Entries ----------------------------------------------------------------------------------------------------------


def entries(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(pairs, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two entries of one name
        for name, content in pairs:
            archive.writestr(name, content)
    return file.getvalue()


def an_entry_less(data, rng):
    found = entries(data)
    del found[rng.choice([*found])]
    return zipped(found.items())


def an_entry_renamed(data, rng):
    found = entries(data)
    chosen = str(rng.choice([*found]))
    return zipped((f"x{name}" if name == chosen else name, content) for name, content in found.items())


def two_entries_swapped(data, rng):
    found = entries(data)
    one, other = rng.choice([*found], 2, replace=False)
    return zipped((found | {str(one): found[other], str(other): found[one]}).items())


def another_entry_too(data, rng):
    found = entries(data)
    return zipped([*found.items(), (str(rng.choice(["model/x.npy", "x", *found])), found[str(rng.choice([*found]))])])


def an_array_of_objects(data, rng):
    found, file = entries(data), io.BytesIO()
    np.lib.format.write_array(file, np.array([{}, print], object))
    return zipped((found | {str(rng.choice([*found])): file.getvalue()}).items())


def deflated(data, rng):
    return zipped(entries(data).items(), zipfile.ZIP_DEFLATED)  # as numpy.savez_compressed does: no damage at all


def promising_more(data, rng):
    """A header of an array that is not there."""
    found, file = entries(data), io.BytesIO()
    shape = tuple(int(10 ** rng.integers(0, 10)) for _ in range(rng.integers(1, 4)))
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return zipped((found | {str(rng.choice([*found])): file.getvalue() + bytes(64)}).items())


# Contents: written by `save_checkpoint` itself, so that every checksum is right ------------------------------------


def array_changed(arrays, meta, rng):
    name = str(rng.choice([*arrays]))
    array = arrays[name]
    other = [array.astype(complex), array.astype("U5"), array.astype(bool), array[None], np.append(array, array),
             array.reshape(-1)[:-1], np.zeros((0, *array.shape)), (array != 0).astype(np.int64)]
    if array.dtype.kind == "f" and array.size and not name.startswith("optimizer"):
        spoilt = np.array(array)
        spoilt.reshape(-1)[int(rng.integers(array.size))] = rng.choice([np.nan, np.inf])
        other += 4 * [spoilt]
    chosen = other[int(rng.integers(len(other)))]
    same = chosen.shape == array.shape and chosen.dtype.kind == array.dtype.kind and chosen.dtype.kind in "iub"
    return arrays if same else arrays | {name: chosen}, meta


def array_moved(arrays, meta, rng):
    arrays, name = dict(arrays), str(rng.choice([*arrays]))
    array = arrays.pop(name)
    if rng.random() < 0.5:
        arrays[str(rng.choice([f"{name}.x", f"kept/{name}", "x", f"optimizer/{name}"]))] = array
    return arrays, meta


def places(value, path=()):
    """Every place in a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


def told_otherwise(arrays, meta, rng):
    """A plain value becomes one of another kind, or goes, or one more comes."""
    meta = json.loads(json.dumps(meta))
    found = [path for path in places(meta) if path and path[0] != "log_rows"]
    path = found[int(rng.integers(len(found)))]
    inside = meta
    for key in path[:-1]:
        inside = inside[key]
    old, way = inside[path[-1]], int(rng.integers(4))
    way = 3 if {"best", "recent", "whole"} & {*path} else way           # records, whose names nobody can know
    if way == 0 and isinstance(inside, dict):
        del inside[path[-1]]
    elif way == 1 and isinstance(inside, dict):
        inside["another"] = 1
    else:
        values = [value for value in VALUES if kind_of(value) != kind_of(old)]
        inside[path[-1]] = values[int(rng.integers(len(values)))]
    return arrays, meta


BYTES = [flipped, flipped, flipped, cut, without_a_piece, zeroed, with_something_behind, an_entry_less,
         an_entry_renamed, two_entries_swapped, another_entry_too, an_array_of_objects, deflated, promising_more]
CONTENTS = [array_changed, array_moved, told_otherwise, told_otherwise, told_otherwise]


def damage(path, seed):
    """Damage a checkpoint in one of these ways; the function that did it."""
    rng = np.random.default_rng(seed)
    way = [*BYTES, *CONTENTS][int(rng.integers(len(BYTES) + len(CONTENTS)))]
    if way in BYTES:
        path.write_bytes(way(path.read_bytes(), rng))
    else:
        save_checkpoint(path, *way(*load_checkpoint(path), rng))
    return way
