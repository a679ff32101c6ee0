"""`--isa avx2` truly takes the wider instructions away, says so, and refuses what cannot be."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.cli import main
from tinymm.machine import bench, doctor, isa

ROOT = Path(__file__).parents[2]
HAS_AVX2 = isa.built.__cpu_features__.get("AVX2") and isa.built.__cpu_features__.get("FMA3")
needs_avx2 = pytest.mark.skipif(not HAS_AVX2, reason="the processor has no AVX2")
CHILD = """\
import json, sys
import numpy as np
from tinymm import machine
from tinymm.machine.isa import asked, vectors_of_numpy, vectors_of_torch
targets = np.lib.introspect.opt_func_info(func_name="^exp$", signature="float32")["exp"]
blas = machine.blas()
print(json.dumps([vectors_of_numpy(), [kind["current"] for kind in targets.values()], blas.name, blas.kernels,
                  vectors_of_torch() if "torch" in sys.argv else None, asked(), machine.describe()]))
"""


@needs_avx2
def test_it_takes_effect_in_every_library():
    """NumPy's loops, OpenBLAS's kernels and PyTorch's, asked in a child process."""
    torch = ["torch"] if importlib.util.find_spec("torch") else []
    environment = isa.limited("avx2") | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", CHILD, *torch], env=environment, text=True, capture_output=True)
    assert done.returncode == 0 and not done.stderr, done.stderr       # nor does NumPy warn of features it has not
    vectors, targets, blas, kernels, of_torch, asked, told = json.loads(done.stdout)
    assert not any("AVX512" in name or "V4" in name for name in (*vectors, *targets))
    assert blas != "openblas" or kernels in ("Haswell", "Zen", None)
    assert not torch or of_torch == "AVX2"
    assert asked["TINYMM_ISA"] == "avx2" and all(f"{name}={value}" in told["limited by"]
                                                  for name, value in asked.items())


@needs_avx2
def test_where_it_is_not_asked_nothing_is_limited_or_said():
    environment = {name: value for name, value in os.environ.items() if name not in isa.asked(isa.limited("avx2"))}
    done = subprocess.run([sys.executable, "-c", CHILD], env=environment | {"PYTHONPATH": str(ROOT)}, text=True,
                          capture_output=True, check=True)
    vectors, *_, asked, told = json.loads(done.stdout)
    assert asked == {} and "limited by" not in told and set(vectors) >= set(isa.vectors_of_numpy())


@needs_avx2
@given(st.dictionaries(st.sampled_from(["HOME", "OPENBLAS_CORETYPE", "TINYMM_CORETYPE", "ATEN_CPU_CAPABILITY"]),
                       st.text("ab", min_size=1)), st.sampled_from(["", "AVX512_SPR", "X,Y", "X Y"]))
def test_all_else_in_the_environment_stays(environment, disabled):
    before = environment | ({"NPY_DISABLE_CPU_FEATURES": disabled} if disabled else {})
    found = isa.limited("avx2", before)
    touched = {"TINYMM_ISA", "TINYMM_CORETYPE", "NPY_DISABLE_CPU_FEATURES", *isa.AVX2}
    assert {name: found[name] for name in found if name not in touched} \
        == {name: before[name] for name in before if name not in touched}
    still = found.get("NPY_DISABLE_CPU_FEATURES", "").replace(",", " ").split()     # as it was, where nothing is added
    assert set(disabled.replace(",", " ").split()) <= set(still)
    assert "TINYMM_CORETYPE" not in found


@pytest.mark.parametrize("features, expected", [
    ({"AVX2": True, "FMA3": True, "AVX512F": True, "X86_V3": True, "X86_V4": True, "AVX512_ICL": False},
     {"NPY_DISABLE_CPU_FEATURES": "X86_V4"} | isa.AVX2),
    ({"AVX2": True, "FMA3": True, "AVX512F": False, "X86_V3": True, "X86_V4": False, "AVX512_ICL": False}, {}),
])
def test_only_what_the_processor_has_is_disabled(features, expected, monkeypatch):
    """NumPy warns of a feature that is not there, and refuses one that it always needs."""
    monkeypatch.setattr(isa.built, "__cpu_features__", features)
    monkeypatch.setattr(isa.built, "__cpu_dispatch__", ["X86_V3", "X86_V4", "AVX512_ICL"])
    assert isa.limited("avx2", {}) == {"TINYMM_ISA": "avx2"} | expected


@pytest.mark.parametrize("command", [["doctor"], ["bench"], ["bench", "engine"]])
def test_an_unknown_name_and_a_processor_without_it_are_refused(command, monkeypatch, capsys):
    assert main([*command, "--isa", "neon"]) == 2
    assert "--isa: must be avx2; got 'neon'" in capsys.readouterr().err
    monkeypatch.setattr(isa.built, "__cpu_features__", {"NEON": True})
    assert main([*command, "--isa", "avx2"]) == 2
    assert "--isa avx2: the processor must have AVX2 and FMA; got" in capsys.readouterr().err


@needs_avx2
def test_enabled_features_cannot_stand_beside_disabled_ones(monkeypatch):
    monkeypatch.setenv("NPY_ENABLE_CPU_FEATURES", "AVX2")
    with pytest.raises(ValueError, match="refuses beside NPY_ENABLE_CPU_FEATURES; unset that"):
        isa.limited("avx2")


@needs_avx2
def test_both_commands_give_it_to_their_child(monkeypatch):
    given = []

    def exit_status(command, environment):
        given.append((command[3:], isa.asked(environment)))
        return 3

    for module in (bench, doctor):
        monkeypatch.setattr(module, "exit_status", exit_status)
    assert main(["doctor", "--isa", "avx2", "--repeats", "4", "--json"]) == 3
    with pytest.raises(RuntimeError, match="engine ended with exit status 3"):
        bench.run(["engine"], isa="avx2")
    of_doctor, of_bench = (words for words, _ in given)
    assert of_doctor == ["tinymm", "doctor", "--repeats", "4", "--json"] and of_bench[:2] == ["benchmarks", "engine"]
    assert all(asked["TINYMM_ISA"] == "avx2" for _, asked in given)


def test_doctor_recommends_nothing_that_it_was_asked_to_leave(monkeypatch):
    for name, value in {"TINYMM_ISA": "avx2", "OPENBLAS_CORETYPE": "Haswell"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(doctor, "_measure", lambda environment, threads: dict.fromkeys(doctor.ROWS, 1e9))
    monkeypatch.setattr(doctor, "vectors_of_torch", lambda: "AVX2")
    found = doctor.examine()
    assert found["gain"] is None and found["findings"][0] == "TINYMM_ISA=avx2: it could be faster without"
    assert found["machine"]["vectors of PyTorch"] == "AVX2" and "TINYMM_ISA=avx2" in found["machine"]["limited by"]
