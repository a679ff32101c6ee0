"""Reader of the VQA layout (v1 and v2): `*questions.json`, `*annotations.json`, and the pictures of COCO."""

import re
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..files import file_error, list_folder, quoted
from ..images.picture import SUFFIXES, read_image
from ..tables import read_members
from .asked import Questions
from .checks import MOST, check_identity, checked_text, part_of

__all__ = ["read_vqa"]

HUMANS = 10                                                         # people who answer each question
SUBSET = re.compile(r"(?:train|val|test)(?:-dev)?\d{4}")            # as in COCO_train2014_000000000042.jpg
COCO_NAME = re.compile(rf"COCO_({SUBSET.pattern})_0*(\d+)")


def read_vqa(directory, size=64):
    """Questions about pictures in the layout of VQA.

    Parameters
    ----------
    directory : path
        Holds, itself or in a folder of it, files whose names end in `questions.json` and `annotations.json`, and say
        which part they are of: `v2_OpenEnded_mscoco_train2014_questions.json`, `v2_mscoco_train2014_annotations.json`.
        Of a single pair without a part in its name all is for training. Pictures are in `images/train2014`,
        `train2014`, `images` or the folder itself, and are called `COCO_train2014_000000000042` or just as the
        image_id, with or without zeros before it.
    size : int
        Side to which every picture is scaled.

    Returns
    -------
    dict of str to Questions
        "train", and "val" and "test" where there are annotations of them. `humans` holds the ten answers of each, and
        `answers` the most frequent one, as the file tells it or else the first of the most frequent.

    Raises
    ------
    ValueError
        Naming the file and the place in it: a file is not there or not JSON; a question has no text, no picture, no
        annotation, or an id that is none or not its own; an annotation has no question, another picture than it, or not
        ten answers.

    Notes
    -----
    The files are read entry by entry, since those published are larger than what is parsed at once. The questions of
    the publisher's test part have no annotations: they are left out, and noted.

    References
    ----------
    Antol et al., "VQA: Visual Question Answering", ICCV 2015; Goyal et al., "Making the V in VQA Matter", CVPR 2017.
    """
    directory = Path(directory)
    questions, annotations = _files(directory, "questions"), _files(directory, "annotations")
    notes = {}
    if "train" not in questions:
        raise file_error(directory, "must hold *train*_questions.json; it is not there")
    for part in questions.keys() - annotations.keys():
        if part != "test":
            raise file_error(questions[part], "must have annotations beside it, *annotations.json; they are not there")
        notes["questions without annotations left out"] = questions.pop(part).name
    return {part: _read(directory, questions[part], annotations[part], size, notes)
            for part in ("train", "val", "test") if part in questions}


def _files(directory, kind):
    """By part the file whose name ends so, in the folder or in one inside it."""
    listing = list_folder(directory, (".json",))
    paths = listing.files + [path for folder in listing.folders for path in list_folder(folder, (".json",)).files]
    paths = [path for path in paths if path.stem.lower().endswith(kind)]
    found = {}
    for path in paths:
        part = part_of(path.stem) or ("train" if len(paths) == 1 else None)
        if part is None or part in found:
            others = f" and {quoted(found[part].name)}" if part else ""
            raise file_error(path, f"must be the one file of {kind} of train, val or test, and say so in its name; "
                                   f"got {quoted(path.name)}{others}")
        found[part] = path
    return found


class _Asked(NamedTuple):
    """A question, the id of its picture and where it stands."""

    text: str
    image: object
    where: str


def _read(directory, questions_path, annotations_path, size, notes):
    """One part."""
    questions = _questions(questions_path)
    answers, humans = _annotations(annotations_path, questions)
    pictures = _pictures(directory, SUBSET.search(questions_path.name))
    paths = []
    number = {}  # of each picture
    images = []
    for asked in questions.values():
        if asked.image not in number:
            key = str(asked.image)
            if key not in pictures:
                raise ValueError(f"{asked.where}: image_id must be that of a picture; there is none of "
                                 f"{quoted(asked.image)} in {quoted(directory.name)}")
            number[asked.image] = len(paths)
            paths.append(pictures[key])
        images.append(number[asked.image])

    def load(numbers):
        return np.stack([read_image(paths[i], (size, size)) for i in numbers])

    return Questions([asked.text for asked in questions.values()], [answers[key] for key in questions],
                     np.array(images), size=(3, size, size), load=load, humans=[humans[key] for key in questions],
                     notes=notes)


def _questions(path):
    """The questions by their ids."""
    questions = {}
    for where, entry in read_members(path, "questions", ("question_id", "image_id", "question")):
        key = entry["question_id"]
        check_identity(where, "question_id", key, (int, str))
        check_identity(where, "image_id", entry["image_id"], (int, str))
        if key in questions:
            raise ValueError(f"{where}: every question needs an id of its own; {quoted(key)} is there twice")
        if len(questions) == MOST:
            raise ValueError(f"{where}: there must be at most {MOST:,} questions")
        questions[key] = _Asked(checked_text(where, "question", entry["question"]), entry["image_id"], where)
    if not questions:
        raise file_error(path, "must have a question; got none")
    return questions


def _annotations(path, questions):
    """By question id the answer to learn, and all of them."""
    answers = {}
    humans = {}
    for where, entry in read_members(path, "annotations", ("question_id", "answers")):
        key = entry["question_id"]
        check_identity(where, "question_id", key, (int, str))
        if key not in questions:
            raise ValueError(f"{where}: question_id must be that of a question; got {quoted(key)}")
        if key in answers:
            raise ValueError(f"{where}: every question needs one annotation; {quoted(key)} has two")
        if entry.get("image_id", questions[key].image) != questions[key].image:
            raise ValueError(f"{where}: image_id must be that of the question, {quoted(questions[key].image)}; "
                             f"got {quoted(entry['image_id'])}")
        humans[key] = _humans(where, entry["answers"])
        frequent = entry.get("multiple_choice_answer", Counter(humans[key]).most_common(1)[0][0])
        answers[key] = sys.intern(checked_text(where, "multiple_choice_answer", frequent))
    missing = next((key for key in questions if key not in answers), None)
    if missing is not None:
        raise ValueError(f"{questions[missing].where}: every question needs an annotation; "
                         f"question {quoted(missing)} has none in {quoted(path.name)}")
    return answers, humans


def _humans(where, entries):
    if not isinstance(entries, list) or len(entries) != HUMANS:
        count = len(entries) if isinstance(entries, list) else quoted(entries)
        raise ValueError(f"{where}: answers must be a list of {HUMANS}; got {count}")
    texts = [entry.get("answer") if isinstance(entry, dict) else entry for entry in entries]
    return tuple(sys.intern(checked_text(where, "an answer", text)) for text in texts)


def _pictures(directory, subset):
    """By image id, as text, the path of each picture there is; of another subset than the questions' none."""
    subset = subset[0] if subset else None
    folders = [directory / "images" / subset, directory / subset] if subset else []
    pictures = {}
    for folder in [*folders, directory / "images", directory]:
        for path in list_folder(folder, SUFFIXES).files if folder.is_dir() else ():
            found = COCO_NAME.fullmatch(path.stem)
            if found and subset in (None, found[1]):
                pictures.setdefault(found[2], path)
            elif not found:
                pictures.setdefault(path.stem, path)
                if path.stem.isdecimal():
                    pictures.setdefault(str(int(path.stem)), path)
    return pictures
