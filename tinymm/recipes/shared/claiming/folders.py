"""Which folders the claims can be tested on: a kind is recognised by what is in the folder, not by its name."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ....data.files import file_error, list_folder, named
from ....data.speech.digits import NAME as DIGIT_NAME
from ....data.speech.emotion_folders import EMODB_NAME

__all__ = ["KINDS", "Kind", "folder_kind"]


class Kind(NamedTuple):
    """A layout of folders.

    Attributes
    ----------
    claims : tuple of str
        Those that learn from it.
    layout : str
        What is in such a folder, in words.
    is_that : callable
        ``is_that(directory)``: whether the folder, which is there, looks like this.
    """

    claims: tuple
    layout: str
    is_that: Callable


def _is_recorded(name, inner):
    """Whether a folder, or the one named `inner` in it, has a recording whose name is of this pattern.

    One is enough: that all of them are named so is checked by the reader, which says which one is not.
    """
    def is_that(directory):
        return any(name.fullmatch(path.name) for folder in (directory, directory / inner) if folder.is_dir()
                   for path in list_folder(folder, (".wav",)).files)

    return is_that


def _is_asked(directory):
    root = directory / "data" if (directory / "data").is_dir() else directory
    return any((folder / "questions.json").is_file() for folder in (root, root / "train"))


def _is_captioned(directory):
    return (directory / "captions.json").is_file()


KINDS = {
    "digits": Kind(("complementarity", "noise"), "recordings digit_speaker_take.wav",
                   _is_recorded(DIGIT_NAME, "recordings")),
    "emotions": Kind(("complementarity",), "recordings of EmoDB such as 03a01Fa.wav", _is_recorded(EMODB_NAME, "wav")),
    "questions": Kind(("generalisation",), "questions.json and images of easy-VQA", _is_asked),
    "captions": Kind(("gap", "labels"), "captions.json and images", _is_captioned),
}


def folder_kind(directory):
    """What kind of folder this is: a key of `KINDS`.

    Raises
    ------
    ValueError
        Naming the folder, if it is not there or of no kind.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     Path(name, "wav").mkdir()
    ...     Path(name, "wav", "03a01Fa.wav").touch()
    ...     kind = folder_kind(name)
    >>> kind, KINDS[kind].claims
    ('emotions', ('complementarity',))
    """
    found = list_folder(directory, ())
    for kind, (_, _, is_that) in KINDS.items():
        if is_that(Path(directory)):
            return kind
    names = [named(path.name) for path in (*found.folders, *found.others) if not path.name.startswith(".")]
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    raise file_error(directory, f"must hold {'; or '.join(kind.layout for kind in KINDS.values())}; "
                                f"got {shown or 'an empty folder'}")
