"""The display: a bar on a terminal with tqdm, lines elsewhere, nothing on request; and putting off Ctrl-C."""

import io
import signal
import sys
import threading
import types

import pytest

from tinymm.training import progress
from tinymm.training.interrupt import uninterrupted
from tinymm.training.progress import progress_display


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(monkeypatch, stream, **options):
    monkeypatch.setattr(sys, "stderr", stream)
    display = progress_display(total=4, initial=1, **options)
    for _ in range(3):
        display.update("epoch 1/2", {"train/loss": 0.25})
    display.close()
    return stream.getvalue()


def test_lines_where_no_terminal_is(monkeypatch):
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    lines = shown(monkeypatch, io.StringIO()).splitlines()
    assert len(lines) == 3 and lines[-1].startswith("epoch 1/2  step 4/4  train/loss 0.25  ")


def test_the_first_step_is_told_at_once_and_others_now_and_then(monkeypatch):
    line, = shown(monkeypatch, io.StringIO()).splitlines()
    assert line.startswith("epoch 1/2  step 2/4  train/loss 0.25  ")


def test_silence(monkeypatch):
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    assert shown(monkeypatch, Terminal(), enabled=False) == ""


def test_a_bar_on_a_terminal(monkeypatch):
    pytest.importorskip("tqdm")
    text = shown(monkeypatch, Terminal())
    assert "4/4" in text and "epoch 1/2" in text and "train/loss=0.25" in text


def test_what_the_bar_is_told(monkeypatch):
    """It begins at what is done already, and follows the width of the window."""
    told = []
    tqdm = types.SimpleNamespace(tqdm=lambda **options: told.append(options))
    monkeypatch.setattr(progress, "need", lambda *_, **__: tqdm)
    monkeypatch.setattr(sys, "stderr", Terminal())
    progress_display(9, 4)
    assert told == [{"total": 9, "initial": 4, "unit": "step", "dynamic_ncols": True}]


def test_a_line_every_few_seconds(monkeypatch):
    now = iter([0.0, 1.0, 1.0 + progress.INTERVAL, 2.0 + progress.INTERVAL])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    assert [line.split()[3] for line in shown(monkeypatch, io.StringIO()).splitlines()] == ["2/4", "3/4"]


def test_lines_on_a_terminal_without_tqdm(monkeypatch):
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert "step 4/4" in shown(monkeypatch, Terminal())


@pytest.fixture
def default_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_is_put_off(default_handler):
    done = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        done.append(True)
    assert done and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nested_blocks_wait_for_the_outer_one(default_handler):
    done = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
        done.append(True)
    assert done


def test_an_ignored_ctrl_c_stays_ignored(default_handler):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with uninterrupted():
        signal.raise_signal(signal.SIGINT)


def test_other_threads_are_left_alone():
    def work():
        with uninterrupted():
            done.append(True)

    done = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_the_speed_is_steps_since_the_start_by_the_time_they_took(monkeypatch):
    """Those of an earlier run are not counted."""
    now = iter([100.0, 102.0, 104.0, 108.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    lines = shown(monkeypatch, io.StringIO()).splitlines()
    assert [line.split()[-2:] for line in lines] == [["0.5", "steps/s"], ["0.5", "steps/s"], ["0.38", "steps/s"]]
