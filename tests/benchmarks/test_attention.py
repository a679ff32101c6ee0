"""What is timed and counted is what it says; every part of the program runs, on sizes that take no time."""

import doctest
import json

import numpy as np
import pytest

from benchmarks import attention

FORMS = list(attention.FORMS)


def test_the_examples_of_the_docstrings():
    assert doctest.testmod(attention).failed == 0


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("backward", [False, True])
def test_all_forms_and_pytorch_give_the_same(is_causal, backward):
    torch = pytest.importorskip("torch")
    runs = attention.candidates(torch, FORMS, 3, 20, is_causal, backward)
    assert list(runs) == [*FORMS, "PyTorch math", "PyTorch"]
    assert all(len(run()) == (3 if backward else 1) for run in runs.values())
    assert list(attention.candidates(None, ["tiled"], 3, 20, is_causal, backward)) == ["tiled"]


def test_a_form_with_another_result_is_found_out(monkeypatch):
    monkeypatch.setitem(attention.FORMS, "fused", lambda q, k, v, is_causal: v * 1.01)
    with pytest.raises(AssertionError, match="results differ"):
        attention.candidates(None, ["fused", "tiled"], 3, 20, False, False)


def test_memory_is_what_was_held_at_most():
    assert 10**6 <= attention.peak_memory(lambda: np.ones(10**6, np.uint8).sum()) < 1.1e6


def test_a_layer_has_the_gradients_of_pytorch():
    assert list(attention.encoder_layer(pytest.importorskip("torch"), 2, 5, 8, 2)) == ["tinymm", "PyTorch"]
    assert [len(run()) for run in attention.encoder_layer(None, 2, 5, 8, 2).values()] == [13]


def test_decoding_with_a_cache_ends_in_the_same_state():
    a, b = (run() for run in attention.decoding(5, 8, 2, 2).values())
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_the_program_runs_and_writes_what_it_prints(timed_at_once, monkeypatch, tmp_path, capsys):
    for name, value in dict(LENGTHS={16: 2, 32: 2}, WHOLE=16, LONG=(16, 32), ONE_PRODUCT=64, AT_LEAST=1).items():
        monkeypatch.setattr(attention, name, value)
    layer, decoding = attention.encoder_layer, attention.decoding
    monkeypatch.setattr(attention, "encoder_layer", lambda torch: layer(torch, 2, 5, 8, 2))
    monkeypatch.setattr(attention, "decoding", lambda: decoding(3, 8, 2, 1))
    attention.main(["--repeats", "1", "--json", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert len(found["comparisons"]) == 2 * 4 + 2
    costs = [cost for cost in found["costs"] if "16 positions" in cost["name"]]
    assert {cost["form"] for cost in costs} >= set(FORMS)
    for cost in costs:
        assert cost["operations_per_second"][1] == pytest.approx(cost["operations"] / cost["seconds"])
    assert set(found["peak_memory"]) == {"16", "32"}
    out = capsys.readouterr().out
    assert "16 × 16 matrix" in out
    name = "attention, 2 heads, 32 positions of 64, causal, forward and backward"
    whole, masked = (next(c["seconds"] for c in found["costs"] if (c["name"], c["form"]) == (n, "tiled"))
                     for n in (name.replace(", causal", ""), name))
    assert f"{name}: tiled {whole / masked:.2f} times as fast as without the mask" in out
