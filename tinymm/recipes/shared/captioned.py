"""Pictures with captions by part: scenes of the shapes world, or a folder in COCO-captions layout."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...cores import ceil_div
from ...data import ShapesWorld, group_split, held_out_compositions, random_split, read_coco_captions
from .options import require

__all__ = ["Captioned", "drawn_scenes", "nearest_images", "read_captioned", "some"]

FEWEST = 3  # images: one to train on, one to validate, one to test
LARGEST_SIDE = 64  # pixels a CPU can train on; larger pictures are scaled down to it
MULTIPLE = 16  # sides are multiples of it: the encoder halves them twice, and glances at 4×4 parts of what is left


@dataclass
class Captioned:
    """Some images and their captions.

    Attributes
    ----------
    images : callable
        ``images(rows)`` → float32 (n, 3, H, W) in [0, 1].
    captions : list of list of str
        The references of each image.
    scenes : list of Scene or None
        What is really there, if it is known.
    fields : list of dict or None
        What else a file says of each image.
    """

    images: Callable
    captions: list
    scenes: list | None = None
    fields: list | None = None

    def __len__(self):
        return len(self.captions)

    def all_images(self):
        """float32 (N, 3, H, W)."""
        return self.images(np.arange(len(self)))

    def rows(self, numbers):
        """The images of these numbers, with all that is known of them."""
        numbers = np.asarray(numbers, int)
        captions, scenes, fields = ([values[i] for i in numbers] if values else None
                                    for values in (self.captions, self.scenes, self.fields))
        return Captioned(lambda rows: self.images(numbers[rows]), captions, scenes, fields)


def some(part, share, rng):
    """This share of a part's images, at least one, drawn at random."""
    return part.rows(np.sort(rng.permutation(len(part))[:max(1, round(share * len(part)))]))


def drawn_scenes(rng, train=20_000, held=1_000):
    """The shapes world by part: unseen scenes, and scenes with a colour and shape never seen together."""
    world, parts = ShapesWorld(), {}
    for name, n, kind in (("train", train, "seen"), ("val", held // 2, "seen"), ("test", held, "seen"),
                          ("test/held_out", held, "held_out")):
        scenes = world.sample(n, rng, compositions=kind)
        images = _kept_small(np.rint(world.render(scenes, rng) * 255).astype(np.uint8))
        parts[name] = Captioned(images, world.captions(scenes, rng), scenes)
    return parts, {"held out": ", ".join(" ".join(pair) for pair in world.held_out)}


def _kept_small(stored):
    """rows → float32 images; they are kept at 8 bits a channel, as files hold them: a quarter of the memory."""
    return lambda rows: stored[rows].astype(np.float32) / np.float32(255)


def read_captioned(directory, rng, size=None, hold_out=None):
    """A folder in COCO-captions layout, by part: its own split, or combinations held out, or images at random.

    Where its split has no test, one is taken from training, images of the same captions on one side.

    Parameters
    ----------
    directory : path
    rng : callable
        ``rng(key)`` gives the Generators of the test split (2) and of the validation split (3).
    size : int, optional
        Height and width of the images; by default the first image's larger side, at most 64, in steps of 16.
    hold_out : sequence of str, optional
        Fields of the image entries, such as ("base", "tones"): hold out combinations of their values of which
        each value alone is still seen in training.

    Returns
    -------
    parts : dict of str to Captioned
    notes : dict

    Raises
    ------
    ValueError
        As `read_coco_captions`, or if there is nothing to train or test on.
    """
    require(size is None or size >= MULTIPLE and size % MULTIPLE == 0, "--image-size",
            f"must be a positive multiple of {MULTIPLE}", size)
    data = read_coco_captions(directory)
    size = _natural_size(data) if size is None else size
    data.size = (size, size)
    require(len(data) >= FEWEST, directory, f"must hold at least {FEWEST} images with captions", len(data))
    require(data.split is None or hold_out is None, "--hold-out", "needs a file without a split of its own",
            ",".join(hold_out or ()))
    rows, how = _rows_by_part(data, rng, hold_out)
    if data.split is not None and not len(rows["test"]) and len(rows["train"]):
        rows["train"], rows["test"] = _by_caption(data, rows["train"], rng(2))
        how += "; test: 15 % of the training images, by caption"
    if not len(rows.get("val", ())):
        shuffled = rng(3).permutation(rows["train"])
        cut = max(1, min(300, len(shuffled) // 12))
        rows["val"], rows["train"] = np.sort(shuffled[:cut]), np.sort(shuffled[cut:])
    for name in ("train", "val", "test"):
        require(len(rows[name]), directory, f"must leave an image for {name}", f"{len(data)} images with captions")
    stored = _read_all(data)
    parts = {name: Captioned(_kept_small(stored[r]), [data.captions[i] for i in r],
                             fields=[data.fields[i] for i in r]) for name, r in rows.items()}
    skipped = {f"skipped: {what}": count for what, count in data.skipped.items() if count}
    return parts, {"split": how, "images resized": len(data.resized), **skipped}


def _natural_size(data):
    """The larger side of the first image, at most LARGEST_SIDE, rounded up to a multiple of MULTIPLE."""
    height, width = data.load_images([0]).shape[2:]
    return min(LARGEST_SIDE, ceil_div(max(height, width), MULTIPLE) * MULTIPLE)


def _rows_by_part(data, rng, hold_out):
    """Rows of train and test, and of val where the file defines it; and how they were chosen."""
    if data.split is not None:
        return {name: np.array([i for i, own in enumerate(data.split) if own == name], int)
                for name in ("train", "val", "test")}, "the file's own"
    if hold_out:
        return dict(zip(("train", "test"), _compositions(data, hold_out, rng(2)))), (
            f"a fifth of the combinations of {' and '.join(hold_out)}, each value of which is seen in training")
    return dict(zip(("train", "test"), random_split(len(data), (0.85, 0.15), rng(2)))), "15 % of the images at random"


def _by_caption(data, rows, rng):
    """(train, test) of these rows; images with the same captions stay together."""
    groups = [" / ".join(sorted(data.captions[i])) for i in rows]
    require(len(set(groups)) > 1, "--data", "must have two captions or more in training, for a test split", groups[0])
    return [rows[own] for own in group_split(groups, (0.85, 0.15), rng)]


def _compositions(data, fields, rng):
    """(train, test) rows: test combinations are new, each of their values alone is not."""
    def value(entry, name):
        require(name in entry, "--hold-out", f"an image entry has no field {name!r}", ",".join(fields))
        return tuple(entry[name]) if isinstance(entry[name], list) else entry[name]

    combinations = [tuple(value(entry, name) for name in fields) for entry in data.fields]
    composed = np.array([i for i, values in enumerate(combinations) if all(v not in ((), "", None) for v in values)],
                        int)
    _, held = held_out_compositions([combinations[i] for i in composed], 0.2, rng)
    test = composed[held]
    return np.setdiff1d(np.arange(len(data)), test), test


def _read_all(data, block=256):
    """Every image at 8 bits a channel, uint8 (n, 3, H, W); a damaged file is found here, before anything is written."""
    stored = np.empty((len(data), 3, *data.size), np.uint8)
    for start in range(0, len(data), block):
        rows = np.arange(start, min(start + block, len(data)))
        stored[rows] = np.rint(data.load_images(rows) * 255)
    return stored


def nearest_images(train, images, block=2000):
    """For each image the training image with the smallest squared distance ‖x − t‖² = ‖x‖² − 2x·t + ‖t‖²."""
    x = images.reshape(len(images), -1)
    smallest, nearest = np.full(len(x), np.inf, np.float32), np.zeros(len(x), int)
    for start in range(0, len(train), block):
        t = train.images(np.arange(start, min(start + block, len(train))))
        t = t.reshape(len(t), -1)
        distance = (t * t).sum(1) - 2 * (x @ t.T)                        # (N, block), less ‖x‖²
        closest = distance.argmin(1)
        value = distance[np.arange(len(x)), closest]
        nearest = np.where(value < smallest, start + closest, nearest)
        smallest = np.minimum(smallest, value)
    return nearest
