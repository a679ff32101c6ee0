"""Functions in processes of their own: what they leave, what is told, errors, Ctrl-C."""

import os
import signal
import time
from functools import partial

import numpy as np
import pytest

from tinymm.recipes.shared import side_by_side as room
from tinymm.recipes.shared.side_by_side import Countdown, side_by_side

forks = pytest.mark.skipif(not room.CAN_FORK, reason="the system cannot fork a process")


@pytest.mark.parametrize("can_fork", (room.CAN_FORK, False))
def test_every_job_is_done_once_and_told(tmp_path, monkeypatch, can_fork):
    monkeypatch.setattr(room, "CAN_FORK", can_fork)

    def job(name, report):
        report(0.5)
        with open(tmp_path / name, "a") as file:
            file.write(f"{np.random.default_rng(ord(name)).random()}\n")

    told = list(side_by_side({name: partial(job, name) for name in "abcde"}, processes=2))
    assert told[-1] == dict.fromkeys("abcde", 1.0)
    for before, after in zip(told, told[1:]):
        assert all(after[name] >= share for name, share in before.items())
    for name in "abcde":
        assert float((tmp_path / name).read_text()) == np.random.default_rng(ord(name)).random()


@forks
def test_products_have_the_same_bits_as_on_one_thread(tmp_path):
    from tinymm.cores.threads import one_blas_thread
    a = np.random.default_rng(0).standard_normal((300, 700)).astype(np.float32)

    def job(report):
        np.save(tmp_path / "product.npy", a @ a.T)

    for _ in side_by_side({"product": job}):
        pass
    with one_blas_thread():
        np.testing.assert_array_equal(np.load(tmp_path / "product.npy"), a @ a.T)


def _wait_for(path):
    while not path.exists():
        time.sleep(0.01)


def _endless(path, report):
    """Works until Ctrl-C, and then leaves word of it."""
    path.with_suffix(".begun").touch()
    try:
        while True:
            time.sleep(0.01)
            report(0.5)
    except KeyboardInterrupt:
        path.with_suffix(".saved").touch()
        raise


@forks
def test_what_one_raises_ends_the_others_too(tmp_path):
    def fails(report):
        _wait_for(tmp_path / "other.begun")
        raise FloatingPointError("fit: the loss is nan at step 3")

    with pytest.raises(FloatingPointError, match="the loss is nan at step 3"):
        for _ in side_by_side({"other": partial(_endless, tmp_path / "other"), "fails": fails}, processes=2):
            pass
    assert (tmp_path / "other.saved").exists()


@forks
def test_a_process_that_the_system_ends_is_named():
    with pytest.raises(MemoryError, match="^vqa/0: its process was ended by signal 9"):
        for _ in side_by_side({"vqa/0": lambda report: os.kill(os.getpid(), signal.SIGKILL)}):
            pass


@forks
def test_ctrl_c_in_the_parent_reaches_all(tmp_path):
    jobs = {name: partial(_endless, tmp_path / name) for name in ("a", "b")}
    with pytest.raises(KeyboardInterrupt):
        for _ in side_by_side(jobs, processes=2, pause=0.05):
            if all((tmp_path / f"{name}.begun").exists() for name in jobs):
                raise KeyboardInterrupt
    assert all((tmp_path / f"{name}.saved").exists() for name in jobs)


@forks
def test_ctrl_c_in_a_child_ends_the_run(tmp_path):
    def stopped(report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        for _ in side_by_side({"stopped": stopped}):
            pass


def test_the_time_left_is_told_by_kind(monkeypatch):
    now, lines = [0.0], []
    monkeypatch.setattr(room.time, "monotonic", lambda: now[0])
    countdown = Countdown(lines.append, {"a/0": "a", "a/1": "a", "b/0": "b", "b/1": "b"}, processes=2)
    for seconds, shares in ((0, {"a/0": 0.0, "b/0": 0.0}), (600, {"a/0": 1.0, "b/0": 0.25}),
                            (610, {"a/0": 1.0, "b/0": 0.26, "a/1": 0.02})):
        now[0] = seconds
        countdown(shares)
    # a takes 600 s, b 600 / 0.25 = 2,400 s: left are a, three quarters of b and b, on two cores
    assert lines == ["0 of 4 trainings done, a/0 0 %, b/0 0 %",
                     f"1 of 4 trainings done, b/0 25 %, about {(600 + 1800 + 2400) / 2 / 60:.0f} min left"]
