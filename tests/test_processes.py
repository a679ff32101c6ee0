"""How the suite is run: BLAS on one thread, as many processes as `-n auto` is meant to start."""

from types import SimpleNamespace

import pytest

from . import conftest


def test_blas_has_one_thread():
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="extra `threads`")
    assert {library["num_threads"] for library in threadpoolctl.threadpool_info()} == {1}


def test_blas_has_two_threads_where_a_test_asks(two_threads):
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="extra `threads`")
    assert {library["num_threads"] for library in threadpoolctl.threadpool_info()
            if library["user_api"] == "blas"} == {2}


@pytest.mark.parametrize("cores, arguments, processes", [
    (1, ["tests"], 0), (2, ["tests"], 2), (64, ["tests", "tinymm"], 8), (2, ["tests/test_house.py"], 2),
    (4, ["tests/test_house.py::test_no_pickle_and_no_global_seed"], 0), (4, ["tests/nn::a", "tests/optim"], 4)])
def test_one_process_a_core_and_none_where_one_would_do(cores, arguments, processes, monkeypatch):
    monkeypatch.delenv("PYTEST_XDIST_AUTO_NUM_WORKERS", raising=False)
    monkeypatch.setattr(conftest, "usable_cores", lambda: cores)
    assert conftest.pytest_xdist_auto_num_workers(SimpleNamespace(args=arguments)) == processes


def test_what_the_user_says_counts(monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "3")
    assert conftest.pytest_xdist_auto_num_workers(SimpleNamespace(args=["tests"])) is None
