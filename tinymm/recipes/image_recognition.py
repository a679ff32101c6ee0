"""Image recognition: a CNN, a residual CNN or a Vision Transformer → a class (article 2.1).

Without --data it learns from embedded shapes: one to a picture, anywhere, in any colour; the outline alone tells the
class. With --data DIR it reads MNIST's layout, train-images-idx3-ubyte and so on, plain or .gz, with the t10k files for
the test where they are there; or folders of classes, DIR/cat/1.png, or DIR/train/cat/1.png beside DIR/test/cat/. With
--init CHECKPOINT it starts from the picture tower of `tinymm run clip` (2.6), beside the same tower from scratch.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from .. import functional as F
from .. import nn
from ..cores import ceil_div
from ..data import (
    LabelledImages, draw_shapes, flipped, read_image, read_image_folder, read_mnist, shifted, stratified_split, turned,
)
from ..encoders import ConvEncoder, ResidualEncoder, VisionTransformer
from ..training import TrainingSet
from ..viz import Example, montage, overlay, signed_map
from .shared import OURS, Plan, Results, over_batches, recipe, require
from .shared.baselines import logistic_regression, majority_class, nearest_neighbour
from .shared.checkpoints import checked_config
from .shared.classification import (
    add_classes, add_worst_errors, answers, scored, validation_scores, worst_errors,
)
from .shared.fine_tuning import FineTuning
from .shared.parts import split_off
from .shared.picture_towers import TOWER_SIZES, TOWERS, load_tower, picture_tower, tower_config

__all__ = ["Augmentation", "INPUTS", "ImageClassifier", "build", "class_token_rollout", "drawn_parts", "predict",
           "probabilities", "read_parts", "run"]

INPUTS = ("image",)
LARGEST_SIDE = 64  # pixels a CPU can train on; larger pictures are scaled down to it
LARGEST_IDX_SIDE = 128  # of IDX images, which keep their size; a step on larger ones takes more than a gigabyte
MULTIPLE = 4  # sides are multiples of it, for two halvings and for patches
SPARE = 4  # images beyond the first of each class that a split takes at the least
KEPT = 2**29  # bytes of pixels kept in memory; what is larger is read from its files again and again
EXPLAINED = 3  # images of each sort that the report explains

PLANS = {
    "cnn": Plan(batch_size=64, steps=750, peak_rate=3e-3, weight_decay=0.05, ema_decay=0.99),
    "resnet": Plan(batch_size=64, steps=480, peak_rate=3e-3, weight_decay=0.05, ema_decay=0.99),
    "vit": Plan(batch_size=32, steps=3600, peak_rate=2e-3, weight_decay=0.05, ema_decay=0.99),
}
FINE_TUNING = FineTuning(batch_size=64, steps=480, peak_rate=2e-3, weight_decay=0.05, ema_decay=0.99)
PENALTY = 1e-4  # of the linear probe
DROPOUT = {"cnn": 0.2, "resnet": 0.2, "vit": 0.0}  # on the pooled vector


@recipe
def run(run, model="cnn", image_size=None, flip=False, init=None, labels=1.0):
    """Train an image classifier, test it beside its baselines, write the output folder.

    Parameters
    ----------
    model : {"cnn", "resnet", "vit"}
        What looks at the image.
    image_size : int, optional
        With folders of classes: scale images to N×N, a multiple of 4; by default the first image's side, at most 64.
    flip : bool
        Mirror training images at random (not for digits and letters).
    init : path, optional
        checkpoint.npz of `tinymm run clip`: its picture tower is what looks at the image, and goes on learning.
    labels : float
        Learn from this share of the training images, drawn at random.
    """
    require(init is None or model == "cnn", "--model", "is that of the checkpoint with --init", model)
    require(0 < labels <= 1, "--labels", "must lie in (0, 1]", labels)
    require(image_size is None or run.data, "--image-size", "is for folders of classes; the embedded shapes keep their "
            "size", image_size)
    run.say(f"reading {run.data} ..." if run.data else "drawing shapes ...")
    if run.data:
        parts, notes = read_parts(run.data, run.rng, image_size)
        plan, augmentation = PLANS[model], Augmentation(shift=2, degrees=10.0, stretch=0.1, flip=flip)
    else:
        parts, notes = drawn_parts(run.rng(1)), {}
        plan, augmentation = PLANS[model].shortened(0.4), Augmentation(flip=flip)
    if labels < 1:
        parts["train"] = _some(parts["train"], labels, run.rng(8))
    train, val, test = parts["train"], parts["val"], parts["test"]
    start = None if init is None else load_tower(init, train.size[1], train.size[0])
    run.begin(run.data or "embedded shapes", parts, notes)

    config = {"encoder": model, "classes": len(train.names), "size": train.size[1], "channels": train.size[0],
              "dropout": DROPOUT[model]}
    if start is not None:
        plan = FINE_TUNING
        config |= {"encoder": start.config["model"], **tower_config(start.config)}

    classifier, scratch = _trained(run, plan, config, start, augmentation, train, val)
    p = probabilities(classifier, test)
    systems, words = {OURS: p.argmax(1)}, "Nearest neighbour and logistic regression see the bare pixels."
    if start is not None:
        systems |= {"from scratch": probabilities(scratch, test).argmax(1),
                    "linear probe": _probe(start.model.model.vision, train, test)}
        words += (" From scratch: the same tower and steps, with nothing learned before. Linear probe: logistic "
                  "regression on the vectors of the pre-trained tower, which stays as it is.")
    results = Results("test", scored(systems | _baselines(train, test), test.labels), "images",
                      ways=("linear probe",))
    report = run.report("Image recognition", f"Trained on {len(train)} images of {len(train.names)} classes")
    results.add_to(report, "Test: unseen images", words)
    add_classes(report, p.argmax(1), test.labels, test.names)
    add_worst_errors(report, p, test.labels, test.names, lambda row: (test.load(np.array([row]))[0], ""))
    _add_explanations(report, classifier, test, p)
    _add_filters(report, classifier)
    return run.finish(report, [results])


def _trained(run, plan, config, start, augmentation, train, val):
    """A classifier, from the tower of `start` if there is one; and then the same classifier from scratch, else None."""
    def batch(rows, rng):
        return augmentation(train.load(rows), rng), train.labels[rows]

    def loss(classifier, batch, rng):
        images, labels = batch
        logits = classifier(images)
        return F.cross_entropy(logits, labels), {"accuracy": (logits.data.argmax(1) == labels).mean()}

    # No selection: the rate ends at zero and the average is smooth, so the last epoch is as good as any.
    def validate(classifier):
        return validation_scores(probabilities(classifier, val), val.labels)

    classifier, data = build(config, run.rng(0)), TrainingSet(len(train), batch)
    if start is None:
        return run.fit(plan, classifier, loss, data, validate, config=config, classes=train.names).model, None
    classifier.encoder.load_state_dict(start.model.model.vision.state_dict())
    classifier = run.fit(plan, classifier, loss, data, validate, config=config, classes=train.names).model
    return classifier, run.fit_control("from scratch", plan.evenly, build(config, run.rng(0)), loss, data, validate)


# The data ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Augmentation:
    """How training images are changed, anew each time they are shown."""

    shift: int = 0  # pixels
    degrees: float = 0.0
    stretch: float = 0.0
    flip: bool = False

    def __call__(self, images, rng):
        images = shifted(images, self.shift, rng)
        if self.degrees or self.stretch:
            images = turned(images, self.degrees, rng, self.stretch)
        return flipped(images, rng) if self.flip else images


def drawn_parts(rng, train=4000, val=500, test=2000):
    """The embedded shapes, drawn one part after the other."""
    return {name: draw_shapes(n, rng) for name, n in (("train", train), ("val", val), ("test", test))}


def read_parts(directory, rng, size=None):
    """A folder in MNIST's layout, or with a folder for each class: parts, and notes for the report.

    What the folder does not define is split off: 15 % of each class to test on, 5 % of what is left to validate on.
    A class of a single image is trained on and never tested.
    """
    directory = Path(directory)
    require(directory.is_dir(), "image-recognition", "--data must be a folder", directory)
    if any(directory.glob("*-ubyte*")):
        require(size is None, "image-recognition", "--image-size is for folders of classes; the images of IDX files "
                "keep their size", size)
        found = {name: _padded(directory, part) for name, part in read_mnist(directory).items()}
    else:
        require(size is None or size >= 8 and size % MULTIPLE == 0, "--image-size",
                f"must be a multiple of {MULTIPLE}, at least 8", size)
        found = {name: _kept(part) for name, part in read_image_folder(directory, size, LARGEST_SIDE).items()}
    parts, notes = split_off(found, {"test": 0.15, "val": 0.05}, partial(_split, directory), rng,
                             "of each class at random")
    names = parts["train"].names
    untested = sorted(set(parts["train"].labels.tolist()) - set(parts["test"].labels.tolist()))
    if untested:
        notes["classes trained on but not tested, for want of images"] = ", ".join(names[k] for k in untested)
    return parts, {**parts["train"].notes, **notes}


def _split(directory, train, share, rng):
    require(len(train) - len(train.names) >= SPARE, "image-recognition",
            f"{directory} has too few images to split some off", f"{len(train)} of {len(train.names)} classes")
    share = max(share, 2 / len(train))
    return map(train.part, stratified_split(train.labels, (1 - share, share), rng))


def _padded(directory, part):
    """Images in the middle of black squares whose sides are multiples of 4; MNIST's 28 × 28 stay as they are."""
    channels, height, width = part.size
    require(max(height, width) <= LARGEST_IDX_SIDE, "image-recognition",
            f"the images of {directory} must have sides of at most {LARGEST_IDX_SIDE} pixels", f"{height} × {width}")
    side = max(8, ceil_div(max(height, width), MULTIPLE) * MULTIPLE)
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


def _some(train, share, rng):
    """This share of the training images, of each class."""
    kept, _ = stratified_split(train.labels, (share, 1 - share), rng)
    return train.part(kept)


# The model --------------------------------------------------------------------------------------------------------


class ImageClassifier(nn.Module):
    r"""$p(k \mid \text{image}) = \operatorname{softmax}(W y + b)_k$, y the pooled vector of an image encoder.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = ImageClassifier(ConvEncoder(((4,), (8,)), 8, glance=1, rng=rng), classes=3, rng=rng)
    >>> model(np.zeros((2, 3, 8, 8), np.float32)).shape
    (2, 3)
    """

    def __init__(self, encoder, classes, dropout=0.0, *, rng):
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.output = nn.Linear(encoder.pooled_width, classes, rng=rng)

    def forward(self, images):
        """images (B, C, H, W) to logits (B, K)."""
        return self.output(self.dropout(self.encoder(images).pooled))


def build(config, rng):
    """The classifier of a config, its weights drawn from `rng`."""
    has_tower = isinstance(config, dict) and config.get("encoder") in TOWERS
    checked_config(config, encoder=(*PLANS, *TOWERS), classes=int, size=int, channels=int, dropout=float,
                   **(TOWER_SIZES if has_tower else {}))
    size, channels = config["size"], config["channels"]
    if has_tower:
        encoder = picture_tower(config["encoder"], config, rng)
    elif config["encoder"] == "cnn":
        encoder = ConvEncoder(((16,), (32, 32), (64, 64)), size, channels, glance=1, rng=rng)
    elif config["encoder"] == "resnet":
        encoder = ResidualEncoder((16, 32, 64), blocks=1, size=size, channels=channels, rng=rng)
    else:
        encoder = VisionTransformer(width=64, layers=4, heads=4, patch=4, size=size, channels=channels, rng=rng)
    return ImageClassifier(encoder, config["classes"], config["dropout"], rng=rng)


def probabilities(classifier, images, batch=100):
    """The probability of each class for each of some `LabelledImages`: float array (N, K)."""
    return np.array(over_batches(classifier, len(images), batch,
                                 lambda rows: F.softmax(classifier(images.load(rows)), -1).data))


def predict(loaded, items):
    """The class of each picture file, scaled to the size the classifier was trained on."""
    size, channels = loaded.config["size"], loaded.config["channels"]
    pictures = np.stack([read_image(item["image"], (size, size)) for item in items])
    if channels == 1:
        pictures = pictures.mean(1, keepdims=True)
    images = LabelledImages(np.zeros(len(items), int), loaded.classes, pictures.shape[1:], lambda rows: pictures[rows])
    return answers(probabilities(loaded.model, images), loaded.classes)


# The test and the report ------------------------------------------------------------------------------------------


def _probe(tower, train, test):
    """What logistic regression on the pooled vectors of a tower says of the test images."""
    vectors, others = (np.array(over_batches(tower, len(part), 100, lambda rows: tower(part.load(rows)).pooled.data))
                       for part in (train, test))
    mean, spread = vectors.mean(0), vectors.std(0) + 1e-6
    return logistic_regression((vectors - mean) / spread, train.labels, (others - mean) / spread, len(train.names),
                               penalty=PENALTY)


def _baselines(train, test):
    """What those say of the test images that see nothing but pixels, or nothing at all."""
    pixels, others = (part.load(np.arange(len(part))).reshape(len(part), -1) for part in (train, test))
    return {"majority": majority_class(train.labels, len(test)),
            "nearest neighbour": nearest_neighbour(pixels, train.labels, others),
            "logistic regression": logistic_regression(pixels, train.labels, others, len(train.names))}


def _add_explanations(report, classifier, test, p):
    """Of some images that are right and some that are wrong: which pixels the answer hangs on."""
    report.heading("Which pixels it hangs on")
    is_transformer = isinstance(classifier.encoder, VisionTransformer)
    report.text("Saliency: how strongly the score of the predicted class changes with each pixel. "
                "Integrated gradients: what each pixel adds to that score on the way from a black image; "
                "orange speaks for the class, blue against it, and all of them add up to what the score gained."
                + (" Attention rollout: how much of each patch has reached the class token through all layers."
                   if is_transformer else ""))
    right = np.flatnonzero(p.argmax(1) == test.labels)
    rows = [*right[np.linspace(0, len(right) - 1, min(EXPLAINED, len(right))).astype(int)],
            *worst_errors(p, test.labels, EXPLAINED)]
    images, target = test.load(np.array(rows)), p[rows].argmax(1)
    classifier.eval()
    found = nn.saliency(classifier, images, target, axis=1)                            # (B, H, W)
    phi = nn.integrated_gradients(classifier, images, 0.0, target, steps=50)           # (B, C, H, W)
    scores = (classifier(x).data[np.arange(len(rows)), target] for x in (images, np.zeros_like(images)))
    gained = next(scores) - next(scores)
    rolled = class_token_rollout(classifier, images) if is_transformer else None
    for k, row in enumerate(rows):
        answer, true = test.names[target[k]], test.names[test.labels[row]]
        verdict = f"{answer}, right" if answer == true else f"{answer}, wrong: it is {true}"
        tiles = [Example(images[k], verdict), Example(overlay(images[k], found[k]), "saliency"),
                 Example(signed_map(phi[k].sum(0)), f"integrated gradients: {phi[k].sum():.2f} of {gained[k]:.2f}")]
        if rolled is not None:
            tiles.append(Example(overlay(images[k], rolled[k]), "attention rollout"))
        report.gallery(tiles)


def class_token_rollout(classifier, images):
    """How much of each patch is in the class token of a Vision Transformer's last layer: (B, h, w), sums 1."""
    with nn.record_attention(classifier) as maps:
        classifier(images)
    rolled = nn.attention_rollout([calls[0] for calls in maps.values()])[:, 0, 1:]     # (B, N)
    return (rolled / rolled.sum(1, keepdims=True)).reshape(len(images), *classifier.encoder.grid)


def _add_filters(report, classifier):
    filters = nn.first_layer_filters(classifier)                                       # (O, C, kh, kw)
    report.heading("What it looks for first")
    peak = float(np.abs(filters).max())
    if filters.shape[1] == 3:
        pictures, how = 0.5 + 0.5 * filters / peak, "grey is no weight, a colour is looked for, its complement avoided"
    else:
        pictures, how = np.stack([signed_map(f[0], peak) for f in filters]), "orange is looked for, blue avoided"
    sheet = np.clip(montage(pictures, scale=8, gap=4), 0, 1)
    report.gallery([Example(sheet, f"{len(filters)} filters of {filters.shape[2]} × {filters.shape[3]} pixels")],
                   caption=f"The weights of the first convolution: {how}.")
