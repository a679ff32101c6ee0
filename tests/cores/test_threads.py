"""A loop shared out among the cores: every item once, in order, errors and all."""

import multiprocessing
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.cores import threads

pytestmark = pytest.mark.usefixtures("two_threads")


def test_there_are_two_stretches_where_there_are_two_threads():
    pytest.importorskip("threadpoolctl", reason="extra `threads`")
    assert threads.parallel_for(9, lambda start, stop: (start, stop), work=1e12) == [(0, 4), (4, 9)]


@given(st.integers(0, 20))
def test_a_parallel_loop_covers_every_item_once_and_in_order(n):
    stretches = threads.parallel_for(n, lambda start, stop: list(range(start, stop)), work=1e12)
    assert [i for stretch in stretches for i in stretch] == list(range(n))


@pytest.mark.parametrize("bad", [0, 9])
def test_an_error_in_a_thread_reaches_the_caller(bad):
    def body(start, stop):
        if start <= bad < stop:
            raise OverflowError(f"item {bad}")

    with pytest.raises(OverflowError, match=f"item {bad}"):
        threads.parallel_for(10, body, work=1e12)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="the system has no forks")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_starts_threads_of_its_own():
    def total():
        return sum(threads.parallel_for(10, lambda start, stop: sum(range(start, stop)), work=1e12))

    assert total() == 45
    child = multiprocessing.get_context("fork").Process(target=lambda: os._exit(total()))
    child.start()
    child.join(20)
    child.kill()
    assert child.exitcode == 45
