"""A loop shared out among the cores: every item once, in order, errors and all."""

import contextlib
import contextvars
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.cores import memory, threads

LARGE = 1e12

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


class Blas:
    """As threadpoolctl shows one: a limit holds until the thread that set it ends it; other threads cannot."""

    def __init__(self, count):
        self.num_threads = count
        self.lib_controllers = [self]

    def limit(self, limits):
        before, self.num_threads = self.num_threads, limits
        return Limit(self, before)


class Limit:
    """Holds from when it is made."""

    def __init__(self, blas, before):
        self.blas, self.before, self.thread = blas, before, threading.current_thread()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if threading.current_thread() is self.thread or not self.thread.is_alive():
            self.blas.num_threads = self.before


@pytest.fixture(params=[2, 3])
def blas(request, monkeypatch):
    """On any machine, a BLAS of two threads or three, which must have them again in the end."""
    pretended = Blas(request.param)
    monkeypatch.setattr(threads, "_blas", lambda: pretended)
    yield pretended
    assert pretended.num_threads == request.param


def in_a_thread(call):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result(20)


# ways in which a share of a loop may come to another loop, and wait for it
WAYS = {"itself": lambda call: call(), "a thread": in_a_thread,
        "a thread of a thread": lambda call: in_a_thread(lambda: in_a_thread(call)),
        "an empty context": lambda call: contextvars.Context().run(call)}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_share_may_wait_for_another_loop(way, blas):
    def nested(start, stop):
        return way(lambda: threads.parallel_for(10 * (stop - start), lambda a, b: list(range(a, b)), LARGE))

    found = []
    runner = threading.Thread(target=lambda: found.extend(threads.parallel_for(4, nested, LARGE)), daemon=True)
    runner.start()
    runner.join(20)
    assert not runner.is_alive(), "it waits for ever"
    assert [sum(stretches, []) for stretches in found] == [list(range(len(sum(s, [])))) for s in found]
    assert sum(len(sum(stretches, [])) for stretches in found) == 40


def test_a_loop_that_finds_the_cores_taken_has_the_same_stretches(blas):
    """Its sums then have the same bits, whoever else works at the time."""
    def cuts():
        return threads.parallel_for(100, lambda start, stop: (start, stop), LARGE)

    begun, end = threading.Event(), threading.Event()
    other = threading.Thread(target=threads.parallel_for, args=(2, lambda a, b: begun.set() or end.wait(20), LARGE))
    alone = cuts()
    other.start()
    begun.wait(20)
    assert blas.num_threads == 1
    try:
        assert cuts() == alone and len(alone) > 1
    finally:
        end.set()
        other.join()


@given(st.lists(st.sampled_from(["loop", "nested", "error"]), min_size=2, max_size=6))
def test_blas_has_its_threads_back_whatever_ran(kinds):
    """Loops of several threads at once, some within each other, some failing."""
    pretended = Blas(3)

    def run(kind):
        def body(start, stop):
            if kind == "error":
                raise OverflowError
            if kind == "nested":
                in_a_thread(lambda: threads.parallel_for(2, lambda a, b: None, LARGE))

        with contextlib.suppress(OverflowError):
            threads.parallel_for(3, body, LARGE)

    with mock.patch.object(threads, "_blas", lambda: pretended):
        with ThreadPoolExecutor(len(kinds)) as pool:
            list(pool.map(run, kinds))
        assert pretended.num_threads == 3
        assert len(threads.parallel_for(3, lambda a, b: None, LARGE)) == 3, "the cores are free again"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no forks")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_beside_a_working_thread_can_work(blas):
    """The other thread has the cores, BLAS's limit and the lock of the scratch memory; the child has no such thread."""
    begun, end = threading.Event(), threading.Event()

    def work(start, stop):
        with memory._lock:
            begun.set()
            end.wait(20)

    other = threading.Thread(target=lambda: threads.parallel_for(2, lambda a, b: a or work(a, b), LARGE))
    other.start()
    begun.wait(20)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with memory.scratch():
                stretches = threads.parallel_for(10, lambda start, stop: (start, stop), LARGE)
            status = 0 if len(stretches) == blas.num_threads > 1 else 2
        finally:
            os._exit(status)
    deadline = time.monotonic() + 20
    while not (ended := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < deadline:
        time.sleep(0.01)
    end.set()
    other.join()
    if not ended[0]:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert ended[0], "it waited for ever"
    assert os.waitstatus_to_exitcode(ended[1]) == 0
