"""Reader of folders of classes: `DIR/cat/1.png`, or `DIR/train/cat/1.png` beside `DIR/test/` and `DIR/val/`."""

from pathlib import Path

import numpy as np

from ...cores import ceil_div
from .labelled import LabelledImages
from .picture import open_image, read_image

__all__ = ["read_image_folder"]

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
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
    Files whose name begins with a dot, or does not end as an image's does, are left out and counted in `notes`. A class
    may have a single image: `stratified_split` puts it into training.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise ValueError(f"{directory}: must be a folder with a folder for each class; got none")
    folders = {name: directory / name for name in PARTS if (directory / name).is_dir()}
    if "train" not in folders:
        folders = {"train": directory}
    names = [path.name for path in _folders(folders["train"])]
    if len(names) < 2:
        raise ValueError(f"{folders['train']}: must hold a folder for each of at least two classes; got {len(names)}")
    found = {name: _files(path, names) for name, path in folders.items()}
    size = _natural_size(found["train"][0][0], largest) if size is None else size
    return {name: _labelled(paths, labels, skipped, names, size) for name, (paths, labels, skipped) in found.items()}


def _folders(directory):
    return sorted(path for path in directory.iterdir() if path.is_dir() and not path.name.startswith("."))


def _files(directory, names):
    """Paths of the images below, their class numbers, and how many other files there are."""
    paths = []
    labels = []
    skipped = 0
    for folder in _folders(directory):
        if folder.name not in names:
            raise ValueError(f"{folder}: each class must occur in training; got one that does not: {folder.name!r}")
        files = sorted(path for path in folder.iterdir() if path.is_file())
        images = [path for path in files if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
        if not images:
            raise ValueError(f"{folder}: each class must hold an image; got {len(files)} files, none of them one")
        skipped += len(files) - len(images)
        paths += images
        labels += [names.index(folder.name)] * len(images)
    if not paths:
        raise ValueError(f"{directory}: must hold a folder for each class; got none")
    return paths, np.array(labels), skipped


def _natural_size(path, largest):
    """The larger side of a picture, rounded up to a multiple of 4, at most `largest`."""
    picture = open_image(path)
    return min(largest, 4 * ceil_div(max(picture.height, picture.width), 4))


def _labelled(paths, labels, skipped, names, size):
    def load(indices):
        return np.stack([read_image(paths[i], (size, size)) for i in indices])

    notes = {"other files left out": skipped} if skipped else {}
    return LabelledImages(labels, names, size=(3, size, size), load=load, notes=notes)
