"""What is read of this machine, and what is not."""

import json
import platform
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm import machine
from tinymm.machine import cpu
from tinymm.machine import rates

CORE = "processor\t: {n}\nvendor_id\t: AuthenticAMD\nmodel name\t: Example 9000\nflags\t\t: {flags}\n\n"


def test_the_first_core_speaks_for_the_processor(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text(CORE.format(n=0, flags="fma avx2") + CORE.format(n=1, flags=""))
    chip = machine.processor(file)
    assert (chip.model, chip.vendor, chip.vectors) == ("Example 9000", "AuthenticAMD", "AVX2")


@given(st.sets(st.sampled_from(sorted(cpu.AVX512 | {"avx", "avx2", "fma"}))))
def test_avx512_takes_all_its_parts(flags):
    vectors = machine.Processor("", "", frozenset(flags)).vectors
    assert (vectors == "AVX-512") == (cpu.AVX512 <= flags)
    assert vectors != "AVX2" or {"avx2", "fma"} <= flags


@pytest.mark.parametrize("text, cores",
                         [("max 100000", None), ("150000 100000", 2), ("50000 100000", 1), ("damaged", None)])
def test_a_quota_bounds_the_cores(text, cores, tmp_path, monkeypatch):
    monkeypatch.setattr(cpu.os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    file = tmp_path / "cpu.max"
    file.write_text(text)
    assert machine.usable_cores(file) == (cores or 8)
    assert machine.usable_cores(tmp_path / "none") == 8


def test_blas_without_threadpoolctl_is_known_in_part(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    found = machine.blas()
    assert found.kernels is None and found.threads is None and found.name
    assert "kernels unknown, threads unknown" in str(found)


def test_the_description_is_plain_and_names_nobody():
    text = json.dumps(machine.describe(("numpy", "no such package")))
    assert '"no such package": "absent"' in text and platform.node() not in text


def test_rates_count_operations_and_bytes(monkeypatch):
    monkeypatch.setattr(rates, "best_time", lambda run, seconds: (run(), 0.5)[1])
    assert rates.gemm_rate(side=10) == 2 * 10**3 / 0.5
    assert rates.bandwidth(threads=3, megabytes=2) == 2 * 2 * 2**20 / 0.5


def test_the_best_run_counts(monkeypatch):
    now, durations = [0.0], iter([9.0, 3.0, 0.5, 2.0, 99.0])

    def run():
        now[0] += next(durations)

    monkeypatch.setattr(rates, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    assert rates.best_time(run, seconds=5.0) == 0.5 and next(durations) == 99.0
