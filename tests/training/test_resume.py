"""A run that is broken off at any moment and resumed ends where an undisturbed one does, bit for bit."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import tinymm as tm
from tinymm.training import load_checkpoint, load_weights

from . import small_run
from .endings import Crash, assert_same_ending, ending, timeless
from .small_run import EPOCHS, build, squared_error


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    trainer = build(folder)
    trainer.fit(progress=False)
    return ending(folder), trainer.model.state_dict()


@pytest.mark.parametrize("every", [0.0, 1e9], ids=["each step", "each epoch"])
@pytest.mark.parametrize("step", [1, 2, 5, 6, 9, 10, 18, 27])
def test_broken_off_in_a_step(undisturbed, tmp_path, step, every):
    def crashing(model, batch, rng):
        if trainer.at.step + 1 == step:
            model.forward(batch[0])  # dirty the buffer and the dropout's generator first
            raise Crash
        return squared_error(model, batch, rng)

    trainer = build(tmp_path, loss=crashing, checkpoint_every=every)
    with pytest.raises(Crash):
        trainer.fit(progress=False)
    build(tmp_path, checkpoint_every=every).fit(resume=True, progress=False)
    assert_same_ending(ending(tmp_path), undisturbed[0])


def test_broken_off_after_every_single_step_and_validation(undisturbed, tmp_path):
    """Each attempt gets one step, or one validation, further."""
    def step_once(model, batch, rng):
        if trainer.at.step > begun:
            raise Crash
        return squared_error(model, batch, rng)

    for _ in range(60):
        trainer = build(tmp_path, loss=step_once)
        begun = load_checkpoint(tmp_path / "checkpoint.npz")[1]["position"]["step"] if _ else 0
        try:
            trainer.fit(resume=True, progress=False)
            break
        except Crash:
            pass
    assert_same_ending(ending(tmp_path), undisturbed[0])
    assert all((a == trainer.model.state_dict()[name]).all() for name, a in undisturbed[1].items())


@pytest.mark.parametrize("error", [Crash, KeyboardInterrupt])
def test_broken_off_in_validation(undisturbed, tmp_path, error):
    def failing(model):
        model.dropout.rng.random(3)  # a validation that leaves traces
        raise error

    with pytest.raises(error):
        build(tmp_path, validate=failing).fit(progress=False)
    build(tmp_path).fit(resume=True, progress=False)
    assert_same_ending(ending(tmp_path), undisturbed[0])


def test_broken_off_while_saving(undisturbed, tmp_path, monkeypatch):
    trainer = build(tmp_path)
    with monkeypatch.context() as patch:
        write, calls = np.lib.format.write_array, []

        def failing(file, array, **options):
            calls.append(None)
            if len(calls) == 500:
                raise OSError("no space left on device")
            write(file, array, **options)

        patch.setattr(np.lib.format, "write_array", failing)
        with pytest.raises(OSError, match="no space left"):
            trainer.fit(progress=False)
    assert sorted(os.listdir(tmp_path)) == ["checkpoint.npz", "log.jsonl"]
    build(tmp_path).fit(resume=True, progress=False)
    assert_same_ending(ending(tmp_path), undisturbed[0])


def test_ctrl_c_finishes_the_step_and_saves(undisturbed, tmp_path):
    def interrupted(model, batch, rng):
        if trainer.at.step == 6:
            handler = signal.getsignal(signal.SIGINT)
            assert handler is not signal.default_int_handler, "a step must not be torn apart"
            handler(signal.SIGINT, None)
        return squared_error(model, batch, rng)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        trainer = build(tmp_path, loss=interrupted, checkpoint_every=1e9)
        with pytest.raises(KeyboardInterrupt):
            trainer.fit(progress=False)
    finally:
        signal.signal(signal.SIGINT, before)
    assert load_checkpoint(tmp_path / "checkpoint.npz")[1]["position"]["step"] == 7
    build(tmp_path, checkpoint_every=1e9).fit(resume=True, progress=False)
    assert_same_ending(ending(tmp_path), undisturbed[0])


def start(folder, *options):
    environment = {**os.environ, "PYTHONPATH": str(Path(tm.__file__).parents[1])}
    return subprocess.Popen([sys.executable, small_run.__file__, str(folder), *options], env=environment)


def wait_for_training(process, folder, known):
    """Until this process has written a checkpoint of its own, or has ended."""
    path = folder / "checkpoint.npz"
    while process.poll() is None and (not path.exists() or path.stat().st_mtime_ns == known):
        time.sleep(0.002)


def test_killed_at_random_moments(undisturbed, tmp_path):
    path, kills = tmp_path / "checkpoint.npz", 0
    draw = random.Random(os.getpid())  # other moments each time: none may matter
    while True:
        known = path.stat().st_mtime_ns if path.exists() else 0
        process = start(tmp_path, "resume")
        wait_for_training(process, tmp_path, known)
        time.sleep(draw.uniform(0, 0.4))
        if kills < 4:
            process.send_signal(signal.SIGKILL)
        if process.wait(60) == 0:
            break
        kills += 1
    assert kills >= 2
    assert_same_ending(ending(tmp_path), undisturbed[0])


def test_ctrl_c_of_a_process(undisturbed, tmp_path):
    process, log = start(tmp_path), tmp_path / "log.jsonl"
    while process.poll() is None and not (log.exists() and log.stat().st_size):
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    position = load_checkpoint(tmp_path / "checkpoint.npz")[1]["position"]
    assert position["epoch"] < EPOCHS and position["seconds"] > 0
    trainer = build(tmp_path)
    trainer.fit(resume=True, progress=False)
    assert_same_ending(ending(tmp_path), undisturbed[0])
    assert trainer.at.seconds > position["seconds"]


def test_a_finished_run_is_not_trained_again(undisturbed, tmp_path):
    build(tmp_path).fit(progress=False)
    trainer = build(tmp_path, loss=None)
    row = trainer.fit(resume=True, progress=False)
    assert timeless(row) == undisturbed[0][1]["position"]["best"]
    assert all((a == trainer.model.state_dict()[name]).all() for name, a in undisturbed[1].items())
    assert_same_ending(ending(tmp_path), undisturbed[0])


def test_without_resume_the_folder_is_cleared(undisturbed, tmp_path):
    build(tmp_path, seed=4).fit(progress=False)
    build(tmp_path).fit(progress=False)
    assert_same_ending(ending(tmp_path), undisturbed[0])


def test_load_weights_gives_what_fit_ended_with(undisturbed, tmp_path):
    build(tmp_path).fit(progress=False)
    model = build(seed=9).model
    load_weights(tmp_path / "checkpoint.npz", model)
    assert all((a == model.state_dict()[name]).all() for name, a in undisturbed[1].items())


@pytest.mark.parametrize("changes", [{"seed": 4}, {"batch_size": 8}, {"ema_decay": None}])
def test_resuming_another_run_is_an_error(tmp_path, changes):
    build(tmp_path, epochs=1).fit(progress=False)
    with pytest.raises(ValueError, match="fit: a resumed run must agree with its checkpoint"):
        build(tmp_path, **changes).fit(resume=True, progress=False)


def test_a_damaged_checkpoint_is_an_error_that_names_it(tmp_path):
    build(tmp_path, epochs=1).fit(progress=False)
    path = tmp_path / "checkpoint.npz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="checkpoint.npz is damaged"):
        build(tmp_path).fit(resume=True, progress=False)


def test_what_the_run_is_about_stands_in_the_checkpoint(tmp_path):
    trainer = build(tmp_path, epochs=1)
    trainer.about = {"width": 32}
    trainer.fit(progress=False)
    assert load_checkpoint(tmp_path / "checkpoint.npz")[1]["about"] == {"width": 32}
