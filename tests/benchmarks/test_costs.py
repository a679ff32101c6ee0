"""The sweep runs on sizes that take no time, and what it writes is what it says."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import attention, attention_peers, costs, laws

SMALL = [*(costs.Setting("T", 1, 1, T, 2, causal) for causal in (False, True) for T in (512, 768, 1024)),
         costs.Setting("D", 2, 8, 12, 3, backward=False)]
RATES = laws.Rates(1e11, {2: 1e10, 3: 1e10}, {2: 1e10, 3: 1e10}, 1e10, 1e11, 5e9, 1e9, 2)


@pytest.fixture
def quick(monkeypatch, timed_at_once):
    monkeypatch.setattr(costs, "ONE_PRODUCT", 64)
    monkeypatch.setattr(attention, "ONE_PRODUCT", 64)
    monkeypatch.setattr(costs, "AT_LEAST", 1)
    monkeypatch.setattr(costs, "SETTINGS", SMALL)
    monkeypatch.setattr(costs, "measured_rates", lambda threads, widths: RATES)


def test_the_program_writes_what_it_prints_and_draws(quick, tmp_path, monkeypatch, capsys):
    pytest.importorskip("threadpoolctl")
    drawn = []
    monkeypatch.setattr(costs, "draw_all", lambda *inputs: drawn.append(inputs) or [tmp_path / "x.png"])
    costs.main(["--repeats", "1", "--json", str(tmp_path / "found.json"), "--out", str(tmp_path)])
    found, printed = json.loads((tmp_path / "found.json").read_text()), capsys.readouterr()
    assert drawn == [(found, str(tmp_path))] and f"plot: {tmp_path / 'x.png'}" in printed.err
    assert "7/7 B = 2, H = 8, T = 12, D = 3, forward" in printed.err and "exponents: time grows like" in printed.out
    forms = {row["form"] for row in found["costs"]}
    assert forms >= set(costs.OURS) and len(found["costs"]) == len(SMALL) * len(forms)
    row, = (r for r in found["costs"] if r["form"] == "tiled" and r["setting"]["axis"] == "D")
    assert row["setting"] == {"axis": "D", "B": 2, "H": 8, "T": 12, "D": 3, "is_causal": False, "backward": False}
    assert row["operations"] == laws.operations("tiled", 16, 12, 12, 3) and row["peak_bytes"] > 16 * 12 * 3 * 4
    assert {(e["axis"], e["is_causal"]) for e in found["exponents"]} == {("T", False), ("T", True)}


def test_plots_that_cannot_be_drawn_are_left_out_with_a_word(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    costs.draw({}, tmp_path)
    assert "no plots: " in (told := capsys.readouterr().err) and "matplotlib" in told


# In a process of its own: a library that starts threads when it is imported would stay for all later tests.
OF_A_PEER = """\
import sys
from benchmarks import attention, attention_peers, costs
name, = sys.argv[1:]
costs.PEERS = {name: attention_peers.PEERS[name]}
expected = attention.candidates(None, ["tiled"], 3, 20, False, True, 4)["tiled"]()
assert list(costs.peers(expected, 1, 3, 20, 4)) == [name]
try:
    costs.peers([1.1 * d for d in expected], 1, 3, 20, 4)
except AssertionError as error:
    print(error)
"""


@pytest.mark.parametrize("name", attention_peers.PEERS)
def test_peers_give_the_same_gradients(name):
    if importlib.util.find_spec(name.lower()) is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run([sys.executable, "-c", OF_A_PEER, name], capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])})
    assert done.returncode == 0, done.stderr
    assert f"{name}: the gradient differs" in done.stdout


def test_rates_of_this_machine_are_rates():
    pytest.importorskip("threadpoolctl")
    assert costs.thin_rate(8, 4, 2) > 0


def test_a_law_is_found_again():
    rows = [costs.Row(costs.Setting("T", T=T), "fused", (0, 3e-9 * T**2 if T >= 512 else 1.0, 0), None,
                      (0, 0, 0), *[None] * 5)
            for T in (128, 512, 1024, 2048)]
    (key, fit), = costs.exponents(rows).items()
    assert key == ("T", "fused", False, True) and fit.exponent == pytest.approx(2) and fit.factor == pytest.approx(3e-9)


@pytest.mark.parametrize("form", ["explicit", "fused", "tiled"])
@pytest.mark.parametrize("backward", [False, True])
def test_memory_obeys_its_law(form, backward):
    for T in (768, 1536):
        run = attention.candidates(None, [form, "tiled"], 2, T, False, backward, 32)[form]
        held, law = attention.peak_memory(run), laws.memory(form, 2, T, T, 32, backward, threads=1)
        slack = 1.15 if form == "explicit" else 2
        assert law / slack < held < law * slack
