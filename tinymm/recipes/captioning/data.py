"""What the captioning recipe learns from: the embedded shapes world, or a folder in COCO-captions layout.

Either way a `Task` comes out: parts called "train", "val" and those to test on, each with images, references and,
where a caption can be checked against the truth, the scenes.
"""

from dataclasses import dataclass, field

import numpy as np

from ...data import ShapesWorld, held_out_compositions, random_split, read_coco_captions

__all__ = ["Part", "Setting", "Task", "folder_task", "shapes_task"]

LARGEST_SIDE = 64  # pixels a CPU can train on; larger pictures are scaled down to it


@dataclass(frozen=True)
class Setting:
    """What suits a kind of pictures: sizes of the captioner, and how it is trained."""

    widths: tuple  # channels of the image encoder's stages
    width: int  # of the text features and of the fused ones
    dropout: float
    context_dropout: float  # on the glance at the whole image, which would otherwise stand in for looking closely
    batch_size: int  # images a step
    steps: int  # of the optimiser, about, in whole epochs
    peak_rate: float  # the learning rate at its highest
    paraphrases: int = 1  # captions of an image that one step learns from
    hidden_words: float = 0.0  # share of the words a step does not show (word dropout)
    shift: int = 0  # training images move by up to so many pixels


SHAPES = Setting(((16,), (32, 32), (64, 64)), 192, 0.1, 0.5, 16, 2500, 2e-3, paraphrases=3, hidden_words=0.4)
FOLDER = Setting(((32,), (64, 64), (128, 128)), 256, 0.3, 0.0, 64, 2300, 2e-3, shift=2)


@dataclass
class Part:
    """Some images and their captions.

    Attributes
    ----------
    images : callable
        `images(indices)` → float32 (n, 3, H, W) in [0, 1].
    captions : list of list of str
        The references of each image.
    scenes : list of Scene or None
        What is really there, if it is known.
    """

    images: callable
    captions: list
    scenes: list | None = None

    def __len__(self):
        return len(self.captions)

    def all_images(self):
        return self.images(np.arange(len(self)))


@dataclass
class Task:
    """Parts to train, validate and test on, and what the report says of them."""

    name: str
    size: int
    parts: dict
    setting: Setting
    notes: dict = field(default_factory=dict)

    @property
    def tests(self):
        """The parts that are used once, for the final numbers."""
        return {name: part for name, part in self.parts.items() if name.startswith("test")}

    @property
    def score(self):
        """The metric that validation looks at."""
        return "truth_accuracy" if self.parts["val"].scenes is not None else "exact_match"


def shapes_task(seed, train=20_000, held=1_000):
    """The embedded world: unseen scenes, and scenes with a colour and shape never seen together."""
    world, rng = ShapesWorld(), np.random.default_rng([seed, 1])
    parts = {}
    for name, n, kind in (("train", train, "seen"), ("val", held // 2, "seen"), ("test", held, "seen"),
                          ("test/held_out", held, "held_out")):
        scenes = world.sample(n, rng, compositions=kind)
        parts[name] = Part(_floating(np.rint(world.render(scenes, rng) * 255).astype(np.uint8)),
                           world.captions(scenes, rng), scenes)
    notes = {"source": "embedded shapes world", "held out": ", ".join(" ".join(pair) for pair in world.held_out)}
    return Task("shapes", world.size, parts, SHAPES, notes)


def _floating(stored):
    """indices → float32 images; they are kept at 8 bits a channel, as files hold them: a quarter of the memory."""
    return lambda indices: stored[indices].astype(np.float32) / np.float32(255)


def folder_task(directory, seed, size=None, hold_out=None):
    """A folder in COCO-captions layout.

    Parameters
    ----------
    directory : path
    seed : int
        Of the split, where the file defines none.
    size : int, optional
        Height and width of the images; by default the first image's larger side, at most 64, in steps of 4.
    hold_out : sequence of str, optional
        Fields of the image entries, such as ("base", "tones"): hold out combinations of their values of which
        each value alone is still seen in training. By default images are held out at random.

    Raises
    ------
    ValueError
        As `read_coco_captions`, or if there is nothing to train or test on.
    """
    data = read_coco_captions(directory)
    size = size or _natural_size(data)
    data.size = (size, size)
    if data.split is not None:
        rows = {name: np.array([i for i, s in enumerate(data.split) if s == name], int)
                for name in ("train", "val", "test")}
        how = "the file's own"
    elif hold_out:
        rows = dict(zip(("train", "test"), _compositions(data, hold_out, seed)))
        how = f"a fifth of the combinations of {' and '.join(hold_out)}, each value of which is seen in training"
    else:
        rows = dict(zip(("train", "test"), random_split(len(data), (0.85, 0.15), np.random.default_rng([seed, 2]))))
        how = "15 % of the images at random"
    if not len(rows.get("val", ())):
        shuffled = np.random.default_rng([seed, 3]).permutation(rows["train"])
        cut = max(1, min(300, len(shuffled) // 12))
        rows["val"], rows["train"] = np.sort(shuffled[:cut]), np.sort(shuffled[cut:])
    for name in ("train", "val", "test"):
        if not len(rows[name]):
            raise ValueError(f"captioning: {directory} leaves no image for {name}; it has {len(data)} with captions")
    stored = _read_all(data)
    parts = {name: Part(_floating(stored[r]), [data.captions[i] for i in r]) for name, r in rows.items()}
    notes = {"source": str(directory), "split": how, "images resized": len(data.resized),
             **{f"skipped: {k}": v for k, v in data.skipped.items() if v}}
    return Task(str(directory), size, parts, FOLDER, notes)


def _natural_size(data):
    """The larger side of the first image, at most LARGEST_SIDE, rounded up to a multiple of 4."""
    height, width = data.load_images([0]).shape[2:]
    return min(LARGEST_SIDE, -(-max(height, width) // 4) * 4)


def _compositions(data, fields, seed):
    """(train, test) rows: test combinations are new, each of their values alone is not."""
    def value(entry, name):
        if name not in entry:
            raise ValueError(f"captioning: --hold-out {','.join(fields)}: an image entry has no field {name!r}")
        return tuple(entry[name]) if isinstance(entry[name], list) else entry[name]

    combinations = [tuple(value(entry, name) for name in fields) for entry in data.fields]
    composed = np.array([i for i, values in enumerate(combinations) if all(v not in ((), "", None) for v in values)],
                        int)
    rng = np.random.default_rng([seed, 2])
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
