"""How a run ended, to compare an undisturbed one with one that was broken off and resumed."""

from tinymm.training import load_checkpoint, read_log


class Crash(Exception):
    """What breaks a run off."""


def timeless(row):
    return {name: value for name, value in row.items() if name != "seconds"}


def ending(folder):
    """All that a run left, apart from times."""
    arrays, meta = load_checkpoint(folder / "checkpoint.npz")
    meta["position"]["best"] = timeless(meta["position"]["best"] or {})
    del meta["position"]["seconds"]
    return arrays, meta, [timeless(row) for row in read_log(folder / "log.jsonl")]


def assert_same_ending(one, other):
    (arrays, meta, rows), (other_arrays, other_meta, other_rows) = one, other
    assert meta == other_meta and rows == other_rows and list(arrays) == list(other_arrays)
    for name, array in arrays.items():
        assert array.tobytes() == other_arrays[name].tobytes(), name
