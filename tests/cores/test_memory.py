"""Borrowed memory: separate arrays, used again, however many borrow at once."""

import tracemalloc
from contextlib import ExitStack

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tinymm.cores import memory as room
from tinymm.cores.memory import give_back, recycled, scratch

shapes = st.lists(st.integers(0, 9), max_size=3).map(tuple)


@given(st.lists(st.tuples(shapes, st.sampled_from([np.float32, np.float64, np.int8])), max_size=6))
def test_no_two_arrays_share_memory_nor_two_borrowers(wanted):
    for _ in range(2):  # the second time from memory that is there already
        with scratch() as empty, scratch() as other:
            arrays = [lender(shape, dtype) for shape, dtype in wanted for lender in (empty, other)]
            for k, a in enumerate(arrays):
                a[...] = k
            for k, (a, (shape, dtype)) in enumerate(zip(arrays, [want for want in wanted for _ in range(2)])):
                assert a.shape == shape and a.dtype == dtype and (a == k).all()


@given(st.lists(st.tuples(shapes, st.sampled_from([np.float32, np.float64, np.int8])), max_size=6))
def test_the_second_time_all_of_it_fits_into_what_was_kept(wanted):
    def places():
        with scratch() as empty:
            return [(a.__array_interface__["data"][0], a.nbytes) for a in (empty(*want) for want in wanted)]

    give_back()
    places()
    memory, = room._free
    again = [(place, n) for place, n in places() if n]
    assert len(room._free) == 1 and room._free[0] is memory
    begin = memory.__array_interface__["data"][0]
    assert all(place % room.LINE == 0 and begin <= place <= place + n <= begin + memory.size for place, n in again)
    assert memory.size <= sum(n + room.LINE for _, n in again) + 2 * room.LINE


def test_the_largest_few_are_kept_and_the_largest_is_lent_first():
    give_back()
    with ExitStack() as stack:
        for size in (30000, 10000, 50000, 20000, 40000, 60000):
            stack.enter_context(scratch())(size, np.uint8)
    sizes = [len(memory) // 10000 for memory in room._free]
    assert sizes == [3, 4, 5, 6] and len(sizes) == room.KEPT
    begin = room._free[-1].__array_interface__["data"][0]
    with scratch() as empty:
        assert 0 <= empty(60000, np.uint8).__array_interface__["data"][0] - begin < room.LINE


def test_memory_is_lent_to_its_last_byte():
    memory = np.empty(3 * room.LINE, np.uint8)
    memory = memory[:-memory.ctypes.data % room.LINE + 2 * room.LINE]  # two lines
    room._free[:] = [memory]
    with scratch() as empty:
        assert np.shares_memory(empty(2 * room.LINE, np.uint8), memory)
    assert room._free[0] is memory  # it was enough, and will be


def test_memory_is_lent_again():
    def address():
        with scratch() as empty:
            return empty(10**6, np.float32).__array_interface__["data"][0]

    address()  # the first time it may be too small
    assert address() == address()


def test_it_comes_back_after_an_error():
    for _ in range(3):
        try:
            with scratch() as empty:
                empty(10, float)[10] = 0
        except IndexError:
            pass
    with scratch() as empty:
        assert empty((2, 3), np.float32).shape == (2, 3)


def borrow(size):
    with scratch() as empty:
        empty(size, np.uint8)


def test_what_was_kept_can_be_given_back():
    give_back()
    tracemalloc.start()
    borrow(10**6)
    kept, _ = tracemalloc.get_traced_memory()
    give_back()
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept >= 10**6 > 10**4 > left


@given(st.lists(st.tuples(shapes, st.sampled_from([np.float32, np.float64, np.int8])), min_size=1, max_size=6))
def test_recycled_arrays_do_not_overlap_while_any_view_of_them_lives(wanted):
    give_back()
    views = []
    for k, (shape, dtype) in enumerate(wanted * 3):
        a = recycled(shape, dtype)
        assert a.shape == shape and a.dtype == dtype and (a.size == 0 or a.ctypes.data % room.LINE == 0)
        a[...] = k
        views.append((k, a[..., None].T))                               # of which the array itself is forgotten
        if k % 3 == 2:
            views.pop(k // 3 % len(views))
        assert all((view == value).all() for value, view in views)


def test_what_an_array_has_left_is_used_again_and_only_then():
    give_back()
    a = recycled((100,), np.float32)
    place, view = a.ctypes.data, a[50:]
    del a
    other = recycled((100,), np.float32)
    assert other.ctypes.data != place                                   # the view still needs it
    del view
    assert recycled((50,), np.float64).ctypes.data == place             # as many bytes
    assert recycled((99,), np.float32).ctypes.data != place


def test_no_more_than_so_much_is_kept(monkeypatch):
    give_back()
    monkeypatch.setattr(room, "RECYCLED", 3500)
    arrays = [recycled((1000 + k,), np.uint8) for k in range(5)]
    del arrays[:]
    assert sum(memory.size for memory in room._left) <= 3500 < sum(memory.size for memory in room._left) + 1100
    give_back()
    assert not room._left


def test_what_is_too_large_is_not_kept(monkeypatch):
    monkeypatch.setattr(room, "SCRATCH", 1000)
    for size, kept in [(1001, 0), (500, 500)]:
        give_back()
        with scratch() as empty:
            empty((size,), np.int8)
        assert kept <= sum(memory.size for memory in room._free) <= 2 * kept
