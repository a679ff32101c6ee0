"""Reader of the easy-VQA layout: `data/train/questions.json` beside `data/train/images/`, and so for test."""

from pathlib import Path

import numpy as np

from ..files import check_file, file_error, named, quoted, read_json, read_text
from ..images.folder import natural_size
from ..images.picture import read_image
from .asked import Questions
from .checks import check_identity, checked_text

__all__ = ["read_easy_vqa"]

PARTS = ("train", "val", "test")


def read_easy_vqa(directory, size=None, largest=64):
    """Questions about pictures in the layout of easy-VQA.

    Parameters
    ----------
    directory : path
        Holds, itself or in a folder `data`: `train`, and perhaps `val` and `test`, each of them with `questions.json`
        and `images`; and perhaps `answers.txt`, all possible answers, one a line. Or it is itself such a part, and all
        of it is for training. `questions.json` has rows [question, answer, n], about `images/n.png`.
    size : int, optional
        Side to which every picture is scaled; by default that of the first one, at most `largest`, rounded up to a
        multiple of 4.
    largest : int
        Bounds the default size.

    Returns
    -------
    dict of str to Questions
        "train", and "val" and "test" where the folder has them. `vocabulary` is that of `answers.txt`; without this
        file the answers of training, sorted.

    Raises
    ------
    ValueError
        Naming the file and the row: a file is not there or not JSON; a row is none of three; a question or an answer is
        no text; an answer is not in the vocabulary; an image's number is none, or there is no such picture.

    References
    ----------
    https://github.com/vzhou842/easy-VQA

    Examples
    --------
    >>> import json, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "images").mkdir()
    ...     Path(folder, "images", "0.png").touch()
    ...     _ = Path(folder, "questions.json").write_text('[["what shape is it?", "circle", 0]]')
    ...     data = read_easy_vqa(folder, size=64)
    >>> data["train"].texts, data["train"].vocabulary, data["train"].size
    (['what shape is it?'], ('circle',), (3, 64, 64))
    """
    directory = Path(directory)
    root = directory / "data" if (directory / "data").is_dir() else directory
    folders = {part: root / part for part in PARTS if (root / part).is_dir()}
    if "train" not in folders:
        folders = {"train": root}
    vocabulary = _vocabulary(root / "answers.txt")
    parts = {}
    for part, folder in folders.items():
        rows = _rows(folder / "questions.json", vocabulary)
        vocabulary = vocabulary or tuple(sorted({answer for _, answer, _ in rows}))
        paths = _pictures(folder, rows)
        size = natural_size(paths[0], largest) if size is None else size
        parts[part] = _questions(rows, paths, vocabulary, size)
    return parts


def _vocabulary(path):
    """The lines of a file; None if there is no such file."""
    if not path.exists():
        return None
    answers = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    if not answers or len(set(answers)) < len(answers):
        raise file_error(path, f"must hold distinct answers, one a line; got {len(answers)} lines, "
                               f"{len(set(answers))} of them distinct")
    return tuple(answers)


def _rows(path, vocabulary):
    """The rows of `questions.json`, checked."""
    content = read_json(path)
    if not isinstance(content, list) or not content:
        raise file_error(path, f"must hold rows [question, answer, image]; got {quoted(content)}")
    known = vocabulary and set(vocabulary)
    rows = []
    for number, row in enumerate(content):
        where = f"{named(path)}, [{number}]"
        if not isinstance(row, list) or len(row) != 3:
            raise ValueError(f"{where}: must be [question, answer, image]; got {quoted(row)}")
        answer = checked_text(where, "the answer", row[1])
        if known and answer not in known:
            raise ValueError(f"{where}: the answer must be one of the {len(known)} known; got {quoted(answer)}")
        check_identity(where, "the image", row[2])
        rows.append((checked_text(where, "the question", row[0]), answer, row[2]))
    return rows


def _pictures(folder, rows):
    """The paths of the pictures that are asked about, by their numbers' order."""
    paths = {}
    for number, (_, _, image) in enumerate(rows):
        if image not in paths:
            paths[image] = folder / "images" / f"{image}.png"
            try:
                check_file(paths[image])
            except ValueError as error:
                raise file_error(folder / "questions.json", f"[{number}] must ask about a picture; {error}") from error
    return [paths[image] for image in sorted(paths)]


def _questions(rows, paths, vocabulary, size):
    texts, answers, images = map(list, zip(*rows))

    def load(numbers):
        return np.stack([read_image(paths[i], (size, size)) for i in numbers])

    return Questions(texts, answers, np.unique(images, return_inverse=True)[1], size=(3, size, size), load=load,
                     vocabulary=vocabulary)
