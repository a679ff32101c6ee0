"""Reader of the COCO captions layout: a folder with `captions.json` and `images/`.

The JSON lists images (id, file_name, further fields such as "split") and annotations (image_id, caption). All of it is
checked when it is read, so that a broken folder fails before training, naming the file; pixels are read when needed.
"""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from ..files import check_file, file_error, quoted, read_json
from .picture import open_image, resized

__all__ = ["CaptionData", "read_coco_captions"]

SPLITS = ("train", "val", "test")
LONGEST_CAPTION = 5_000  # letters


@dataclass
class CaptionData:
    """Images with one or more captions each, in the order of the file; image i is `ids[i]`, `captions[i]`, ...

    Attributes
    ----------
    directory : pathlib.Path
    size : (int, int) or None
        Height and width every image is brought to; None keeps their own, which must then be the same for all.
    ids, file_names : list
    captions : list of list of str
        The references of each image, at least one.
    split : list of str or None
        "train", "val" or "test" for each image, or None where the file defines no split.
    fields : list of dict
        The other fields of each image in the file.
    skipped : dict of str to int
        How many images without a caption and how many empty captions were left out.
    resized : set of int
        Indices of the images that `load_images` has had to resize so far.
    """

    directory: Path
    size: tuple[int, int] | None
    ids: list = field(default_factory=list)
    file_names: list[str] = field(default_factory=list)
    captions: list[list[str]] = field(default_factory=list)
    split: list[str] | None = None
    fields: list[dict] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    resized: set[int] = field(default_factory=set)

    def __len__(self):
        return len(self.ids)

    def load_images(self, indices):
        """Read the images of these indices.

        Transparent pixels show white. Images of another size are resized bilinearly with antialiasing, without
        keeping their proportions, and noted in `resized`.

        Parameters
        ----------
        indices : sequence of int

        Returns
        -------
        numpy.ndarray
            float32 (n, 3, H, W) in [0, 1].

        Raises
        ------
        ValueError
            If a file cannot be decoded, or sizes differ and `size` is None.
        """
        size = self.size
        images = []
        for index in indices:
            path = self.directory / "images" / self.file_names[index]
            picture = open_image(path)
            size = size or (picture.height, picture.width)
            if (picture.height, picture.width) != tuple(size):
                if self.size is None:
                    found = f"{picture.height}×{picture.width} after {size[0]}×{size[1]}"
                    raise file_error(path, f"images must share one size unless a size is given; got {found}")
                picture = resized(picture, size)
                self.resized.add(int(index))
            images.append(np.asarray(picture))
        pixels = np.array(images, dtype=np.uint8).reshape(len(images), *(size or (0, 0)), 3)
        return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), dtype=np.float32) / 255  # (n, 3, H, W)


def read_coco_captions(directory, size=None):
    """Read `captions.json` and check it and its image files; images load later, through `load_images`.

    Parameters
    ----------
    directory : path
        Holds `captions.json` and the folder `images`.
    size : (int, int) or None
        Height and width to bring every image to.

    Returns
    -------
    CaptionData

    Raises
    ------
    ValueError
        Naming the file and what is wrong with it: not there, not JSON, a missing key, an unknown or duplicate id, an
        unknown split, a caption that is no string or longer than 5,000 letters, an image file that is missing or
        outside `images`, or no caption.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = pathlib.Path(name)
    ...     (folder / "images").mkdir()
    ...     (folder / "images" / "cat.png").touch()
    ...     images = [{"id": 7, "file_name": "cat.png", "mood": "calm"}]
    ...     annotations = [{"image_id": 7, "caption": "a cat"}, {"image_id": 7, "caption": ""}]
    ...     text = json.dumps({"images": images, "annotations": annotations})
    ...     _ = (folder / "captions.json").write_text(text)
    ...     data = read_coco_captions(folder)
    >>> data.captions, data.fields, data.skipped
    ([['a cat']], [{'mood': 'calm'}], {'images without caption': 0, 'empty captions': 1})
    """
    directory = Path(directory)
    path = directory / "captions.json"
    content = _parse(path)
    entries = _entries(path, content, "images", ("id", "file_name"))
    captions, empty = _captions(path, _entries(path, content, "annotations", ("image_id", "caption")), entries)
    described = [entry for entry in entries if captions[entry["id"]]]
    if not described:
        raise file_error(path, f"at least one image needs a caption; got none in {len(entries)} images")
    for entry in described:
        _check_file(path, directory / "images", entry["file_name"])
    return CaptionData(
        directory=directory,
        size=size,
        ids=[entry["id"] for entry in described],
        file_names=[entry["file_name"] for entry in described],
        captions=[captions[entry["id"]] for entry in described],
        split=_split(path, described),
        fields=[{k: v for k, v in entry.items() if k not in ("id", "file_name", "split")} for entry in described],
        skipped={"images without caption": len(entries) - len(described), "empty captions": empty},
    )


def _parse(path):
    content = read_json(path)
    if not isinstance(content, dict):
        raise file_error(path, f'must hold an object with "images" and "annotations"; got {_kind(content)}')
    return content


def _entries(path, content, name, keys):
    """The list `content[name]`, checked: each of its members is an object with `keys`."""
    entries = content.get(name)
    if not isinstance(entries, list):
        raise file_error(path, f'"{name}" must be a list; got {_kind(entries)}')
    for number, entry in enumerate(entries):
        missing = keys if not isinstance(entry, dict) else [key for key in keys if key not in entry]
        if missing:
            raise file_error(path, f'{name}[{number}] must have "{missing[0]}"; got {quoted(entry)}')
    return entries


def _captions(path, annotations, entries):
    """The captions by image id, and how many were empty."""
    captions = {}
    for number, entry in enumerate(entries):
        identity = entry["id"]
        if not _is_identity(identity):
            raise file_error(path, f"images[{number}] must have a number or text as id; got {quoted(identity)}")
        if identity in captions:
            raise file_error(path, "every image needs an id of its own; "
                                   f"images[{number}] repeats {quoted(identity)}")
        captions[identity] = []
    empty = 0
    for number, annotation in enumerate(annotations):
        identity = annotation["image_id"]
        caption = annotation["caption"]
        if not _is_identity(identity) or identity not in captions:
            raise file_error(path, f"annotations[{number}] must belong to an image; got image_id {quoted(identity)}")
        if not isinstance(caption, str):
            raise file_error(path, f"annotations[{number}] must have text as caption; got {quoted(caption)}")
        if len(caption) > LONGEST_CAPTION:
            raise file_error(path, f"annotations[{number}] must have a caption of at most {LONGEST_CAPTION:,} letters; "
                                   f"got {len(caption):,}")
        if caption.strip():
            captions[identity].append(caption.strip())
        else:
            empty += 1
    return captions, empty


def _is_identity(value):
    """Whether it can be an id: `true` counts as 1 in Python, but names no image."""
    return isinstance(value, int | str) and not isinstance(value, bool)


def _check_file(path, images, name):
    if not isinstance(name, str) or not name:
        raise file_error(path, f"file_name must be the name of an image file; got {quoted(name)}")
    for kind in (PurePosixPath(name), PureWindowsPath(name)):
        if kind.anchor or ".." in kind.parts:
            raise file_error(path, f"file_name must stay inside the folder images; got {quoted(name)}")
    try:
        check_file(images / name)
    except ValueError as error:
        raise file_error(path, f"file_name must be that of an image file; {error}") from error


def _split(path, entries):
    """The split of each image; None if no image has one."""
    given = [entry for entry in entries if "split" in entry]
    if not given:
        return None
    for entry in entries:
        if entry.get("split") not in SPLITS:
            raise file_error(path, f"where one image has a split, each must be in one of {', '.join(SPLITS)}; "
                                   f"got {quoted(entry.get('split'))} for image {quoted(entry['id'])}")
    return [entry["split"] for entry in entries]


def _kind(value):
    return "nothing" if value is None else type(value).__name__
