"""The log: rows survive, half-written lines do not, resuming cuts."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.training import Log, read_log

ROWS = [{"step": i, "train/loss": 1 / (i + 1)} for i in range(6)]


def written(path, rows=ROWS):
    log = Log(path)
    for row in rows:
        log.append(row)
    log.close()
    return path


def test_rows_come_back_bit_for_bit(tmp_path):
    assert read_log(written(tmp_path / "folder" / "log.jsonl")) == ROWS


@given(keep=st.integers(0, 7), cut=st.integers(0, 200))
def test_a_resumed_log_is_that_of_an_undisturbed_run(tmp_path_factory, keep, cut):
    """Whatever was written after the row `keep`, and wherever the file broke off after it."""
    path = written(tmp_path_factory.mktemp("log") / "log.jsonl")
    whole = path.read_bytes()
    kept = sum(len(line) + 1 for line in whole.split(b"\n")[:min(keep, 6)])
    path.write_bytes(whole[:max(kept, len(whole) - cut)])
    log = Log(path, keep=keep)
    assert log.rows == ROWS[:keep]
    for row in ROWS[keep:]:
        log.append(row)
    log.sync()
    log.close()
    assert path.read_bytes() == whole and log.rows == ROWS


def test_a_half_written_line_is_passed_over(tmp_path):
    path = written(tmp_path / "log.jsonl")
    path.write_bytes(path.read_bytes()[:-9])
    assert read_log(path) == ROWS[:-1]


def test_a_new_log_replaces_an_old_one(tmp_path):
    path = written(tmp_path / "log.jsonl")
    written(path, ROWS[:2])
    assert read_log(path) == ROWS[:2]


def test_a_lost_log_does_not_stop_a_run(tmp_path):
    log = Log(tmp_path / "log.jsonl", keep=5)
    log.append(ROWS[5])
    log.close()
    assert read_log(tmp_path / "log.jsonl") == ROWS[5:]


def test_rows_are_on_file_at_once(tmp_path):
    log = Log(tmp_path / "log.jsonl")
    log.append(ROWS[0])
    assert read_log(tmp_path / "log.jsonl") == ROWS[:1]
    log.close()


def test_sync_waits_for_the_disk(tmp_path, monkeypatch):
    waited = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: waited.append(os.fstat(descriptor).st_ino))
    log = Log(tmp_path / "log.jsonl")
    log.append(ROWS[0])
    assert not waited
    log.sync()
    log.close()
    assert waited == [os.stat(tmp_path / "log.jsonl").st_ino]


def test_without_a_path_rows_stay_in_memory():
    log = Log()
    log.append(ROWS[0])
    log.sync()
    log.close()
    assert log.rows == ROWS[:1]


def test_a_damaged_line_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1}\n{"step"\n{"step": 3}\n')
    with pytest.raises(ValueError, match=r"read_log: line 2 of .*log\.jsonl is not JSON"):
        read_log(path)
