"""The TGIF-QA reader, and the frames of GIFs: what is read, and that every kind of broken folder is named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data.images.animation import check_animation, read_animation
from tinymm.data.questions import read_tgif_qa

Image = pytest.importorskip("PIL.Image")
HEADER = "gif_name\tquestion\tanswer\tvid_id\ttype\n"
ROWS = "a\twhat is moving?\tcat\tID1\t0\nb\twhat colour is the car?\tred\tID2\t2\na\thow many cats?\t2\tID3\t1\n"


def save(path, shades, mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [Image.new("L", (12, 8), shade).convert(mode) for shade in shades]
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:], duration=50)


@pytest.fixture
def folder(tmp_path):
    save(tmp_path / "gifs" / "a.gif", [0, 51, 102, 153])
    save(tmp_path / "gifs" / "b.gif", [255, 0])
    (tmp_path / "Train_frameqa_question.csv").write_text(HEADER + ROWS, "utf-8")
    return tmp_path


def test_reads_questions_and_clips(folder):
    (data,) = read_tgif_qa(folder, frames=4, size=6).values()
    assert data.texts == ["what is moving?", "what colour is the car?", "how many cats?"]
    assert data.answers == ["cat", "red", "2"] and data.images.tolist() == [0, 1, 0] and data.size == (4, 3, 6, 6)
    clips = data.load(np.array([1, 0]))
    assert clips.shape == (2, 4, 3, 6, 6) and clips.dtype == np.float32
    np.testing.assert_allclose(clips[:, :, 1, 3, 3], [[1, 1, 0, 0], [0, 0.2, 0.4, 0.6]], atol=1e-6)


def test_parts_and_other_tables(folder):
    (folder / "Test_frameqa_question.csv").write_text(HEADER + ROWS[:ROWS.index("\n") + 1], "utf-8")
    (folder / "Total_frameqa_question.csv").write_text(HEADER + ROWS, "utf-8")
    (folder / "Train_action_question.csv").write_text("gif_name\tquestion\ta1\n", "utf-8")
    assert {name: len(part) for name, part in read_tgif_qa(folder).items()} == {"train": 3, "test": 1}


def test_a_single_table_of_any_name(folder):
    (folder / "Train_frameqa_question.csv").rename(folder / "mine.tsv")
    assert len(read_tgif_qa(folder)["train"]) == 3


@pytest.mark.parametrize("text, message", [
    ("", "must begin with a header"),
    ("gif_name,question,answer\n", "must have the column 'gif_name'"),
    ("gif_name\tquestion\na\tb\n", "must have the column 'answer'"),
    (HEADER, "must have a row; got none"),
    (HEADER + "a\twhat?\n", "row 1 .* must have 5 fields"),
    (HEADER + ROWS + "a\t\tx\t\t\n", "row 4 .*question must be text .*; got ''"),
    (HEADER + "a\twhat?\t \t\t\n", "row 1 .*answer must be text"),
    (HEADER + "c\twhat?\tx\t\t\n", r"row 1 .*must be that of a clip; .*c\.gif: the file is not there"),
    (HEADER + "../a\twhat?\tx\t\t\n", "row 1 .*must name a file in the folder gifs; got '../a'"),
    (HEADER + "C:\\a\twhat?\tx\t\t\n", "must name a file in the folder gifs"),
    (HEADER + "..\twhat?\tx\t\t\n", "must name a file in the folder gifs"),
])
def test_broken_tables_are_named(folder, text, message):
    (folder / "Train_frameqa_question.csv").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=message) as caught:
        read_tgif_qa(folder)
    assert str(caught.value).startswith(str(folder / "Train_frameqa_question.csv"))


def test_clips_that_are_none_are_named(folder):
    save(folder / "gifs" / "a.gif", [9])
    with pytest.raises(ValueError, match=r"row 1 .*a\.gif: a clip must be a GIF of at least two frames; got one"):
        read_tgif_qa(folder)
    with pytest.raises(ValueError, match="at least two frames; got one"):
        read_animation(folder / "gifs" / "a.gif", 2, (4, 4))
    Image.new("RGB", (4, 4)).save(folder / "gifs" / "a.gif", format="PNG")
    with pytest.raises(ValueError, match=r"a\.gif: must be an image that can be decoded; it is none of GIF"):
        read_tgif_qa(folder)
    content = (folder / "gifs" / "b.gif").read_bytes()
    (folder / "gifs" / "a.gif").write_bytes(content[:20])
    with pytest.raises(ValueError, match=r"a\.gif: "):
        read_tgif_qa(folder)


def test_missing_and_double_tables_are_named(folder, tmp_path):
    (folder / "train_2_frameqa.tsv").write_text(HEADER + ROWS, "utf-8")
    with pytest.raises(ValueError, match="must hold one table of each part"):
        read_tgif_qa(folder)
    with pytest.raises(ValueError, match="must hold a table such as Train_frameqa_question.csv"):
        read_tgif_qa(folder / "gifs")
    with pytest.raises(ValueError, match="frames must be at least 1; got 0"):
        read_tgif_qa(folder, frames=0)


@pytest.fixture(scope="module")
def gifs(tmp_path_factory):
    return tmp_path_factory.mktemp("gifs")


@given(st.lists(st.integers(0, 255), min_size=2, max_size=9, unique=True), st.integers(1, 12))
def test_frames_are_taken_evenly_and_in_order(gifs, shades, frames):
    save(gifs / "x.gif", shades)
    check_animation(gifs / "x.gif")
    clip = read_animation(gifs / "x.gif", frames, (4, 4))
    taken = [shades.index(shade) for shade in np.rint(clip[:, 0, 2, 2] * 255).astype(int).tolist()]
    assert taken == sorted(taken) and len(taken) == frames
    gaps = np.diff([-0.5, *taken, len(shades) - 0.5])[1:-1]
    assert not len(gaps) or gaps.max() - gaps.min() <= 1                    # evenly
    assert abs(np.mean(taken) - (len(shades) - 1) / 2) <= 0.5               # about the middle
    if frames >= len(shades):
        assert set(taken) == set(range(len(shades)))                        # all of them


def test_transparent_frames_show_white(gifs):
    clear = Image.new("RGBA", (6, 6), (0, 0, 0, 0))
    full = Image.new("RGBA", (6, 6), (255, 0, 0, 255))
    clear.save(gifs / "t.gif", save_all=True, append_images=[full], disposal=2)
    clip = read_animation(gifs / "t.gif", 2, (6, 6))
    np.testing.assert_allclose(clip[:, :, 3, 3], [[1, 1, 1], [1, 0, 0]], atol=0.02)
