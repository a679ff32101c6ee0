"""Operations of decoding are those of a count by hand; the program runs on sizes that take no time."""

import doctest
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import decoding


def test_the_examples_of_the_docstrings():
    assert doctest.testmod(decoding).failed == 0


@given(st.integers(1, 20), st.integers(1, 9))
def test_operations_without_a_cache_are_those_of_every_prefix(T, D):
    def whole(n):  # three projections and the one behind, two matrices of 4 D × D, and Q Kᵀ and P V
        return 2 * n * (4 * D * D + 2 * 4 * D * D) + 2 * (2 * n * n * D)

    assert decoding.operations(T, D, 3, kept=False) == 3 * sum(whole(n) for n in range(1, T + 1))
    assert decoding.operations(T, D, 3, kept=True) == 3 * (24 * T * D * D + 2 * T * (T + 1) * D)


def test_the_program_writes_what_it_prints(timed_at_once, monkeypatch, tmp_path, capsys):
    for name, value in dict(LENGTHS=(2, 3, 5), WIDTH=8, HEADS=2, LAYERS=1, LONG=20, BATCH=2).items():
        monkeypatch.setattr(decoding, name, value)
    decoding.main(["--repeats", "1", "--json", str(tmp_path / "found.json")])
    found, printed = json.loads((tmp_path / "found.json").read_text()), capsys.readouterr()
    assert len(found["comparisons"]) == 3 + 1 and set(found["exponents"]) == {"with a cache", "without"}
    for row in found["rows"]:
        assert row["operations_per_second"] == pytest.approx(
            row["operations"] * row["words_per_second"] / row["words"], rel=1e-3)
    assert {"doubling", "concatenating"} <= set(found["growth"])
    assert all(f"{way:<14} first tenth of 20 words" in printed.out for way in found["growth"])
    assert {"tinymm", "textbook"} <= set(found["comparisons"][-1]["times"])
    assert "3/3 5 words" in printed.err and "grows like T^" in printed.out
