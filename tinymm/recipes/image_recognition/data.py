"""What the recipe learns from: drawn shapes, a folder in MNIST's layout, or folders of classes. A `Task` comes out."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...data import LabelledImages, draw_shapes, read_image_folder, read_mnist, stratified_split

__all__ = ["Augmentation", "Task", "folder_task", "shapes_task"]

LARGEST_SIDE = 64  # pixels a CPU can train on; larger pictures are scaled down to it
MULTIPLE = 4  # sides are multiples of it, for two halvings and for patches
SPARE = 4  # images beyond the first of each class that a split takes at the least
KEPT = 2**29  # bytes of pixels kept in memory; what is larger is read from its files again and again


@dataclass(frozen=True)
class Augmentation:
    """How training images are changed, anew each time they are shown; see `tinymm.data.images.augmentation`."""

    shift: int = 0  # pixels
    degrees: float = 0.0
    stretch: float = 0.0
    flip: bool = False


@dataclass
class Task:
    """Parts "train", "val" and "test", and what the report says of them."""

    name: str
    parts: dict
    augmentation: Augmentation
    notes: dict = field(default_factory=dict)
    effort: float = 1.0  # the share of an encoder's usual steps that it takes to learn

    @property
    def names(self):
        return self.parts["train"].names

    @property
    def size(self):
        """C, H, W of the images."""
        return self.parts["train"].size


def shapes_task(seed, flip=False, train=4000, val=500, test=2000):
    """The embedded shapes, drawn one part after the other."""
    rng = np.random.default_rng([seed, 1])
    parts = {name: draw_shapes(n, rng) for name, n in (("train", train), ("val", val), ("test", test))}
    return Task("shapes", parts, Augmentation(flip=flip), {"source": "embedded shapes"}, effort=0.4)


def folder_task(directory, seed, size=None, flip=False):
    """A folder in MNIST's layout, or with a folder for each class.

    A test part is the folder's own (t10k files, or `test/`), else 15 % of each class at random; the same for
    validation, 5 % of each class of what is left. A class of a single image is trained on and never tested.

    Parameters
    ----------
    directory : path
    seed : int
        Of the splits.
    size : int, optional
        Side to which pictures are scaled; by default the first one's, at most 64.
    flip : bool
        Whether training images are mirrored at random.

    Raises
    ------
    ValueError
        As `read_mnist` and `read_image_folder`, or if there are too few images to split.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise ValueError(f"image-recognition: --data must be a folder; got {directory}")
    if any(directory.glob("*-ubyte*")):
        if size is not None:
            raise ValueError("image-recognition: --image-size is for folders of classes; "
                             "the images of IDX files keep their size")
        parts = {name: _padded(part) for name, part in read_mnist(directory).items()}
    else:
        parts = {name: _kept(part)
                 for name, part in read_image_folder(directory, _multiple(size), LARGEST_SIDE).items()}
    notes = {"source": str(directory), **parts["train"].notes}
    for name, share, key in (("test", 0.15, 2), ("val", 0.05, 3)):
        if name in parts:
            notes[f"{name} split"] = "the folder's own"
            continue
        train = parts["train"]
        if len(train) - len(train.names) < SPARE:
            raise ValueError(f"image-recognition: {directory} has too few images to split some off for {name}; "
                             f"got {len(train)} of {len(train.names)} classes")
        share = max(share, 2 / len(train))
        rows = stratified_split(train.labels, (1 - share, share), np.random.default_rng([seed, key]))
        parts["train"], parts[name] = map(train.part, rows)
        notes[f"{name} split"] = f"{share:.0%} of each class at random"
    untested = sorted(set(parts["train"].labels.tolist()) - set(parts["test"].labels.tolist()))
    if untested:
        notes["classes trained on but not tested, for want of images"] = ", ".join(
            parts["train"].names[k] for k in untested)
    return Task(str(directory), parts, Augmentation(2, 10.0, 0.1, flip), notes)


def _multiple(size):
    """Round a side up to a multiple of 4, where one is given."""
    if size is not None and size < 8:
        raise ValueError(f"image-recognition: --image-size must be at least 8; got {size}")
    return size and -(-size // MULTIPLE) * MULTIPLE


def _padded(part):
    """Images in the middle of black squares whose sides are multiples of 4; MNIST's 28 × 28 stay as they are."""
    channels, height, width = part.size
    side = max(8, -(-max(height, width) // MULTIPLE) * MULTIPLE)
    if (height, width) == (side, side):
        return part
    above, left = (side - height) // 2, (side - width) // 2
    around = ((0, 0), (0, 0), (above, side - height - above), (left, side - width - left))
    return LabelledImages(part.labels, part.names, (channels, side, side), lambda rows: np.pad(part.load(rows), around))


def _kept(part, block=256):
    """Every picture decoded once, at 8 bits a channel, so that a damaged file is found before anything is written.

    Of more than `KEPT` bytes the files are left where they are.
    """
    if len(part) * np.prod(part.size) > KEPT:
        return part
    stored = np.empty((len(part), *part.size), np.uint8)
    for start in range(0, len(part), block):
        rows = np.arange(start, min(start + block, len(part)))
        stored[rows] = np.rint(part.load(rows) * 255)
    return LabelledImages(part.labels, part.names, part.size,
                          lambda rows: stored[rows].astype(np.float32) / np.float32(255), part.notes)
