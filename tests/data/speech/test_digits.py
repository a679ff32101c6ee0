"""The reader of spoken digits: names, laziness, notes, and real recordings where there are some."""

import os

import numpy as np
import pytest
from scipy.io import wavfile

from tinymm.data.files import named
from tinymm.data.speech import official_test, read_spoken_digits


@pytest.fixture
def folder(tmp_path):
    for name, rate, shape in (("0_ann_3.wav", 8000, 80), ("0_bob_7.wav", 16000, 160), ("9_ann_12.wav", 8000, (80, 2))):
        wavfile.write(tmp_path / name, rate, np.ones(shape, np.int16))
    (tmp_path / "README.md").write_text("not a recording")
    return tmp_path


def test_names_say_digit_speaker_and_take(folder):
    data = read_spoken_digits(folder)
    assert data.files == ["0_ann_3.wav", "0_bob_7.wav", "9_ann_12.wav"] and len(data) == 3
    assert (data.digits.tolist(), data.speakers, data.takes.tolist()) == ([0, 0, 9], ["ann", "bob", "ann"], [3, 7, 12])
    assert official_test(data).tolist() == [True, False, False]


def test_sounds_are_read_when_asked_for_and_notes_say_what_was_changed(folder):
    data = read_spoken_digits(folder)
    assert data.notes() == {"recordings": 3, "speakers": "ann, bob"}
    assert [len(s) for s in data.load([0, 1, 2])] == [80, 80, 80]
    assert data.notes()["resampled"] == "1 recordings, to 8000 samples a second"
    assert data.notes()["mixed"] == "1 recordings of several channels, to one"
    (folder / "9_ann_12.wav").write_bytes(b"")
    data.load([0])
    with pytest.raises(ValueError, match=r"9_ann_12\.wav: must be a WAV file"):
        data.load([2])


def test_files_of_other_systems_are_read_or_left_out(folder):
    (folder / "0_ann_3.wav").rename(folder / "0_ann_3.WAV")
    for name in ("._0_ann_3.wav", ".hidden.wav", "Thumbs.db"):
        (folder / name).write_bytes(b"\0")
    (folder / "0_bob_7.wav").rename(folder / "0_zoe\u0301_7.Wav")
    (folder / "9_ann_12.wav").rename(folder / "9_zo\u00e9_12.wav")
    data = read_spoken_digits(folder)
    assert data.files == ["0_ann_3.WAV", "0_zoe\u0301_7.Wav", "9_zo\u00e9_12.wav"] and len(data.load(range(3))) == 3
    assert sorted(set(data.speakers)) == ["ann", "zo\u00e9"]


def test_recordings_in_folders_inside_are_told(folder):
    (folder / "more").mkdir()
    (folder / "tools").mkdir()
    (folder / "0_ann_3.wav").rename(folder / "more" / "0_ann_3.wav")
    data = read_spoken_digits(folder)
    assert len(data) == 2 and data.notes()["not read"] == "recordings in the folders more"
    for name in data.files:
        (folder / name).unlink()
    with pytest.raises(ValueError, match="got none but in the folder more$"):
        read_spoken_digits(folder)


def test_a_pipe_is_named(folder):
    os.mkfifo(folder / "0_ann_5.wav")
    data = read_spoken_digits(folder)
    with pytest.raises(ValueError, match=r"0_ann_5\.wav: must be a file; it is a pipe"):
        data.load(range(len(data)))


def test_recordings_may_lie_one_folder_down(folder):
    (folder / "x" / "recordings").mkdir(parents=True)
    (folder / "0_ann_3.wav").rename(folder / "x" / "recordings" / "0_ann_3.wav")
    assert read_spoken_digits(folder / "x").files == ["0_ann_3.wav"]


@pytest.mark.parametrize("name", ["ann_0_1.wav", "10_ann_1.wav", "1_ann.wav", "1_ann_x.wav", "1__2.wav", "1_a\nn_2.wav",
                                  b"1_\xff_2.wav", "\u0661_ann_2.wav", f"1_ann_{10**20}.wav"])
def test_a_stray_name_is_named(name, folder):
    path = os.path.join(os.fsencode(folder), os.fsencode(name))
    with open(path, "wb"):
        pass
    with pytest.raises(ValueError, match="a recording is named digit_speaker_take.wav") as caught:
        read_spoken_digits(folder)
    assert str(caught.value).endswith(f"got {named(os.fsdecode(name))}")
    assert str(caught.value).encode() and "\n" not in str(caught.value)


def test_a_folder_without_recordings_is_named(tmp_path):
    with pytest.raises(ValueError, match="nowhere: the folder is not there"):
        read_spoken_digits(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="need WAV files named digit_speaker_take.wav; got none"):
        read_spoken_digits(tmp_path)


def test_where_all_takes_are_the_first_there_is_no_official_test(folder):
    (folder / "0_bob_7.wav").unlink()
    (folder / "9_ann_12.wav").unlink()
    assert not official_test(read_spoken_digits(folder)).any()


def test_real_recordings(shared_data):
    data = read_spoken_digits(shared_data("fsdd"))
    assert len(set(data.speakers)) == 6 and set(data.digits) == set(range(10))
    sounds = data.load(range(0, len(data), 50))
    assert all(s.dtype == np.float32 and 0 < np.abs(s).max() <= 1 for s in sounds)
