"""What the operating system tells of caches: levels and sizes, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.cores.caches import cache_bytes, second_level


@given(levels=st.dictionaries(st.integers(1, 4), st.tuples(st.integers(1, 999), st.sampled_from("KMG")), max_size=4))
def test_data_and_unified_caches_are_read_by_level(levels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    for k, (level, (size, unit)) in enumerate(levels.items()):
        for j, kind in enumerate(("Instruction", "Unified" if level > 1 else "Data")):
            index = folder / f"index{2 * k + j}"
            index.mkdir()
            for name, text in (("level", level), ("type", kind), ("size", f"{size + 1 - j}{unit}")):
                (index / name).write_text(f"{text}\n")
    assert cache_bytes(folder) == {level: size * 2 ** {"K": 10, "M": 20, "G": 30}[unit]
                                   for level, (size, unit) in levels.items()}


@pytest.mark.parametrize("files", [{"level": "2"}, {"level": "two", "type": "Unified", "size": "1M"},
                                   {"level": "2", "type": "Unified", "size": "1X"},
                                   {"level": "2", "type": "Unified", "size": ""}])
def test_what_is_not_as_expected_is_passed_over(files, tmp_path):
    (tmp_path / "index0").mkdir()
    for name, text in files.items():
        (tmp_path / "index0" / name).write_text(text)
    assert cache_bytes(tmp_path) == {}


def test_there_is_always_a_second_level():
    assert 2**14 <= second_level() <= 2**28
