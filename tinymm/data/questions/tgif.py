"""Reader of TGIF-QA's frame questions: tables of questions, separated by tabs, and a folder of animated GIFs."""

from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from ..files import file_error, list_folder, quoted
from ..images.animation import check_animation, read_animation
from ..tables import read_rows
from .asked import Questions
from .checks import MOST, checked_text, part_of

__all__ = ["read_tgif_qa"]

COLUMNS = ("gif_name", "question", "answer")


def read_tgif_qa(directory, frames=8, size=32):
    """Questions about clips in the layout of TGIF-QA's frame questions.

    Parameters
    ----------
    directory : path
        Holds `Train_frameqa_question.csv`, and perhaps `Test_...` and `Val_...`: fields are separated by tabs, whatever
        the ending (`.csv` or `.tsv`), and the header names at least gif_name, question and answer. Tables of which none
        is called a frameqa are taken too, and a single one without a part in its name is for training. The folder
        `gifs` holds `gif_name.gif`.
    frames : int
        T, how many frames of each clip are read, evenly taken.
    size : int
        Side to which they are scaled.

    Returns
    -------
    dict of str to Questions
        "train", and "val" and "test" where there are tables of them. `load` returns float32 (n, T, 3, size, size).

    Raises
    ------
    ValueError
        Naming the file and the row: no table, two of one part, what `read_rows` refuses; a question or an answer is
        empty; a name leads out of `gifs`, or there is no such clip, or it has a single frame.

    Notes
    -----
    Every clip is opened once when the tables are read, so that a broken one is found before any training.

    References
    ----------
    Jang et al., "TGIF-QA: Toward Spatio-Temporal Reasoning in Visual Question Answering", CVPR 2017.
    """
    directory = Path(directory)
    if frames < 1:
        raise ValueError(f"read_tgif_qa: frames must be at least 1; got {frames}")
    return {part: _questions(path, directory / "gifs", frames, size) for part, path in _tables(directory).items()}


def _tables(directory):
    """The table of each part, that of training first."""
    found = list_folder(directory, (".csv", ".tsv")).files
    found = [path for path in found if "frameqa" in path.name.lower()] or found
    tables = {}
    for path in found:
        part = part_of(path.stem) or ("train" if len(found) == 1 else None)
        if part in tables and part:
            raise file_error(directory, f"must hold one table of each part; got {quoted(tables[part].name)} and "
                                        f"{quoted(path.name)}")
        tables[part] = path
    if "train" not in tables:
        raise file_error(directory, "must hold a table such as Train_frameqa_question.csv; it is not there")
    return {part: tables[part] for part in ("train", "val", "test") if part in tables}


def _questions(path, gifs, frames, size):
    texts = []
    answers = []
    images = []
    clips = {}  # path and number of each
    for where, row in read_rows(path, COLUMNS, tabs=True):
        if len(texts) == MOST:
            raise ValueError(f"{where}: there must be at most {MOST:,} rows")
        name = checked_text(where, "gif_name", row["gif_name"])
        if name not in clips:
            _check_clip(where, gifs, name)
        images.append(clips.setdefault(name, len(clips)))
        texts.append(checked_text(where, "question", row["question"]))
        answers.append(checked_text(where, "answer", row["answer"]))
    if not texts:
        raise file_error(path, "must have a row; got none")
    paths = [gifs / f"{name}.gif" for name in clips]

    def load(numbers):
        return np.stack([read_animation(paths[i], frames, (size, size)) for i in numbers])

    return Questions(texts, answers, np.array(images), size=(frames, 3, size, size), load=load)


def _check_clip(where, gifs, name):
    if any(kind.anchor or len(kind.parts) != 1 or ".." in kind.parts
           for kind in (PurePosixPath(name), PureWindowsPath(name))):
        raise ValueError(f"{where}: gif_name must name a file in the folder gifs; got {quoted(name)}")
    try:
        check_animation(gifs / f"{name}.gif")
    except ValueError as error:
        raise ValueError(f"{where}: gif_name must be that of a clip; {error}") from error
