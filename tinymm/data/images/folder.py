"""Reader of folders of classes: `DIR/cat/1.png`, or `DIR/train/cat/1.png` beside `DIR/test/` and `DIR/val/`."""

import unicodedata
from pathlib import Path

import numpy as np

from ...cores import ceil_div
from ..files import file_error, list_folder, quoted
from .labelled import LabelledImages
from .picture import SUFFIXES, open_image, read_image

__all__ = ["natural_size", "read_image_folder"]

PARTS = ("train", "val", "test")


def read_image_folder(directory, size=None, largest=64):
    """The images of a folder that holds a folder for each class, named as the class; pixels are read when needed.

    Parameters
    ----------
    directory : path
        Holds a folder for each class; or holds `train`, and perhaps `val` and `test`, which hold one for each class.
    size : int, optional
        Side to which every image is scaled; by default the larger side of the first image, at most `largest`,
        rounded up to a multiple of 4.
    largest : int
        Bounds the default size.

    Returns
    -------
    dict of str to LabelledImages
        "train", and "val" and "test" where the folder has them. Images are RGB, on white where they are transparent.

    Raises
    ------
    ValueError
        Naming the file or folder: no folder per class, fewer than two classes, a class without an image, a class in
        `val` or `test` that `train` lacks; and, from `load`, an image that cannot be decoded.

    Notes
    -----
    A class has the images of the folders inside it too, which `notes` count; it must have one of its own. Files whose
    name begins with a dot, or does not end as an image's does (in capitals or not), are left out and counted in
    `notes`. A class may have a single image: `stratified_split` puts it into training.
    """
    directory = Path(directory)
    folders, notes = _parts(directory)
    names = [_class_name(path) for path in _folders(folders["train"])]
    if len(names) < 2:
        raise file_error(folders["train"], f"must hold a folder for each of at least two classes; got {len(names)}")
    found = {part: _files(path, names) for part, path in folders.items()}
    size = natural_size(found["train"][0][0], largest) if size is None else size
    return {part: _labelled(paths, labels, names, size, notes | told) for part, (paths, labels, told) in found.items()}


def _parts(directory):
    """The folder of each part, and what lies beside them; a folder without parts is all of it for training."""
    folders = _folders(directory)
    named = {path.name.lower(): path for path in folders}  # of Test and test the latter
    parts = {name: named[name] for name in PARTS if name in named}
    if "train" not in parts:
        return {"train": directory}, {}
    others = [quoted(path.name) for path in folders if path not in parts.values()]
    return parts, {"folders left out": ", ".join(others)} if others else {}


def _folders(directory):
    return list_folder(directory, SUFFIXES).folders


def _class_name(folder):
    """The name of a class, which goes into reports."""
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in folder.name):
        raise file_error(folder, "the name of a class must be UTF-8 without control characters; "
                                 f"got {quoted(folder.name)}")
    return folder.name


def _files(directory, names):
    """Paths of the images below, their class numbers, and notes of what was left out."""
    paths = []
    labels = []
    skipped = 0
    deep = 0
    for folder in _folders(directory):
        if folder.name not in names:
            raise file_error(folder, "each class must occur in training; "
                                     f"got one that does not: {quoted(folder.name)}")
        images, others = _below(folder)
        own = sum(path.parent == folder for path in images)
        if not own:  # if only the folders inside have some, those are the classes
            raise file_error(folder, f"each class must hold an image; got {others} files, none of them one"
                                     + (f", and {len(images)} images in folders inside it" if images else ""))
        skipped += others
        deep += len(images) - own
        paths += images
        labels += [names.index(folder.name)] * len(images)
    if not paths:
        raise file_error(directory, "must hold a folder for each class; got none")
    notes = {"other files left out": skipped, "images in folders inside a class": deep}
    return paths, np.array(labels), {name: count for name, count in notes.items() if count}


def _below(folder):
    """The images in a folder and in the folders inside it, and how many other files there are."""
    images = []
    others = 0
    waiting = [folder]
    while waiting:
        found = list_folder(waiting.pop(), SUFFIXES)
        images += found.files
        others += len(found.others)
        for inner in reversed(found.folders):
            if inner.is_symlink():  # it might lead in a circle
                raise file_error(inner, "a folder inside a class must not be a link")
            waiting.append(inner)
    return images, others


def natural_size(path, largest):
    """The larger side of a picture, rounded up to a multiple of 4, at most `largest`."""
    picture = open_image(path)
    return min(largest, 4 * ceil_div(max(picture.height, picture.width), 4))


def _labelled(paths, labels, names, size, notes):
    def load(indices):
        return np.stack([read_image(paths[i], (size, size)) for i in indices])

    return LabelledImages(labels, names, size=(3, size, size), load=load, notes=notes)
