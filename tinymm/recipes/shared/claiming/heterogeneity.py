"""Modalities differ so much that the faster one starves the slower, unless gradients are balanced (article 1.3.1).

The modalities of a picture and its captions are measured: how their entries are spread, how many of them are 0, how
many dimensions they fill. Then two modalities of one label learn side by side. The fast one shows the label as it is,
but a share of the time another one; the slow one shows two symbols, of whose sum the label is the rest, and never errs.
Both together tell the label, and so does the slow one alone.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from .... import functional as F
from .... import nn
from ....autograd import no_grad
from ....data import ShapesWorld, WordTokenizer
from ....encoders import Encoded
from ....fusion import ConcatenationFusion, FusedClassifier, GradientModulation, confidences
from ....metrics import intrinsic_dimension, linear_probe, participation_ratio
from ....training import TrainingSet
from ..plan import Plan
from .contenders import Examples, sized
from .experiment import Claim, Comparison, Contender

__all__ = ["SIZES", "claim", "statistics"]

CLASSES, WIDTH, NOISE = 8, 16, 0.7
ERRS = 0.05  # how often the fast modality shows a label drawn at random
SIZES = {"train": 2000, "val": 500, "test": 1000, "pool": 1000}
PARAMETERS = 12_000
PLAN = Plan(batch_size=64, steps=500, peak_rate=3e-3, weight_decay=0.01, replicas=1)
FAST, SLOW = "fast", "slow"
NARROW = "slow, as wide as in joint"  # whose encoder is of the size that it has beside the fast one's
OWN = 1.0  # weight of the answers from one modality alone
LEARNED = 0.9  # of what is learned in the end
MEASURED = 1000  # pictures and captions
PERMUTED, BRANCH, EPOCHS = "slow permuted", "slow branch", "minus the epochs until 90 % is learned"
STATISTICS = ("entries", "mean", "spread", "zeros", "different values", "participation ratio", "intrinsic dimension")


def claim(run, quick):
    """The claim, on one world."""
    trial = _Learning(run, PLAN.shortened(0.5) if quick else PLAN)
    ceiling = 1 - ERRS + ERRS / CLASSES
    return Claim(
        name="heterogeneity",
        section="1.3.1",
        sentence="Modalities differ so much that in joint training the faster one starves the slower, and balancing "
                 "their gradients helps.",
        null="Both modalities learn equally fast; the slow one's encoder is as good after joint training as after "
             "training alone; and neither it nor the answers are better with balanced gradients.",
        contenders=tuple(Contender(kind, partial(trial.fit, kind), "joint" if kind in JOINT else "alone")
                         for kind in (FAST, SLOW, NARROW, *JOINT)),
        tests=(Comparison("one learns faster", (FAST,), (SLOW,), EPOCHS),
               Comparison("the slow one starves", (NARROW,), ("joint",), BRANCH),
               Comparison("balancing feeds it", ("balanced",), ("joint",), BRANCH),
               Comparison("balancing helps the answers", ("balanced",), ("joint",))),
        beside=(Comparison("own losses feed it", ("own losses",), ("joint",), BRANCH),
                Comparison("own losses help the answers", ("own losses",), ("joint",)),
                Comparison("joint against the fast one alone", ("joint",), (FAST,)),
                Comparison("joint against the slow one alone", ("joint",), (SLOW,)),
                Comparison("own losses against the slow one alone", ("own losses",), (SLOW,))),
        controls=tuple(Comparison("the slow one permuted", (kind,), ceiling, PERMUTED, expected="no gain")
                       for kind in JOINT),
        ceilings={(FAST, "test"): ceiling},
        tell=partial(_tell, run),
        unbounded=(EPOCHS,),
    )


JOINT = ("joint", "balanced", "own losses")


class _Learning:
    """The world, and how a contender learns in it."""

    def __init__(self, run, plan):
        self.run, self.plan = run, plan
        rng = run.rng(80)
        self.codes = [rng.standard_normal((CLASSES, WIDTH), dtype=np.float32) for _ in range(3)]
        self.parts = {part: self.draw(SIZES[part], run.rng(81, k)) for k, part in enumerate(("val", "test", "pool"))}
        self.parts[PERMUTED] = self.parts["test"].permuted(1, run.rng(84))

    def draw(self, n, rng):
        """Examples: vectors (n, WIDTH) and (n, 2·WIDTH), and their label."""
        a, b = rng.integers(0, CLASSES, (2, n))
        labels = (a + b) % CLASSES
        shown = np.where(rng.random(n) < ERRS, rng.integers(0, CLASSES, n), labels)
        fast = self.codes[0][shown]
        slow = np.concatenate([self.codes[1][a], self.codes[2][b]], 1)
        return Examples([x + NOISE * rng.standard_normal(x.shape, dtype=np.float32) for x in (fast, slow)], labels)

    def fit(self, kind, rate, seed, report):
        """Train a contender, and test its answers and the encoder of the slow modality."""
        model = _model(kind, np.random.default_rng([seed, 82]))
        data = self.draw(SIZES["train"], np.random.default_rng([seed, 85]))  # the same for all of a seed
        examples = TrainingSet(len(data), lambda rows, rng: (data.rows(rows), data.labels[rows]))
        trainer = replace(self.plan, peak_rate=rate).trainer(
            model, partial(_loss, kind), examples,
            lambda model: {"accuracy": float(_is_right(model, self.parts["val"]).mean())}, self.run.epochs, seed)
        trainer.after_backward = GradientModulation() if kind == "balanced" else None
        trainer.fit(progress=report)
        curve = np.array([row["val/accuracy"] for row in trainer.log.rows if row["kind"] == "epoch"])
        found = {part: _is_right(trainer.model, self.parts[part]) for part in ("val", "test", PERMUTED)}
        found |= {"curve": curve, EPOCHS: -np.array([1.0 + _first_learned(curve)])}
        return found if kind == FAST else found | {BRANCH: self._branch(trainer.model)}

    def _branch(self, model):
        """Whether a linear probe of what the slow modality's encoder gives is right about each test item."""
        pool, test = (_encoded(model, SLOW, self.parts[part]) for part in ("pool", "test"))
        return (linear_probe(pool, self.parts["pool"].labels, test) == self.parts["test"].labels).astype(float)


def _first_learned(curve):
    """The epoch, from 0 on, after which 90 % of the way from chance to the best is gone."""
    return int(np.argmax(curve >= 1 / CLASSES + LEARNED * (curve.max() - 1 / CLASSES)))


# Models of one modality and of both ------------------------------------------------------------------------------


class _Encoder(nn.Module):
    """Two layers on a vector, as an encoder."""

    def __init__(self, inputs, width, *, rng):
        self.first, self.second = nn.Linear(inputs, width, rng=rng), nn.Linear(width, width, rng=rng)
        self.width = self.pooled_width = width

    def forward(self, x, mask=None):
        pooled = F.relu(self.second(F.relu(self.first(x))))
        return Encoded(pooled[:, None], pooled, None)


class _Single(nn.Module):
    """A classifier of one modality."""

    def __init__(self, name, width, *, rng):
        self.encoders = nn.ModuleDict({name: _Encoder(_inputs(name), width, rng=rng)})
        self.scores = nn.Linear(width, CLASSES, rng=rng)

    def forward(self, inputs):
        (name, encoder), = self.encoders.items()
        return self.scores(encoder(inputs[(FAST, SLOW).index(name)]).pooled), None


def _inputs(name):
    return WIDTH if name == FAST else 2 * WIDTH


def _model(kind, rng):
    def joint(width):
        encoders = {name: _Encoder(_inputs(name), width, rng=rng) for name in (FAST, SLOW)}
        return FusedClassifier(encoders, ConcatenationFusion({FAST: width, SLOW: width}, width, rng=rng), CLASSES,
                               rng=rng)

    if kind == NARROW:
        return _Single(SLOW, sized(joint, PARAMETERS).encoders[SLOW].width, rng=rng)
    return sized(joint if kind in JOINT else lambda width: _Single(kind, width, rng=rng), PARAMETERS)


def _loss(kind, model, batch, rng):
    inputs, labels = batch
    if kind not in JOINT:
        return F.cross_entropy(model(inputs)[0], labels)
    encoded = model.encode(inputs)
    value = F.cross_entropy(model.decide(encoded)[0], labels)
    if kind == "balanced":
        return value, {f"confidence/{name}": sure for name, sure in confidences(model, encoded, labels).items()}
    if kind == "own losses":
        for m in range(2):
            present = np.zeros((len(labels), 2), bool)
            present[:, m] = True
            value = value + OWN * F.cross_entropy(model.decide(encoded, present)[0], labels)
    return value


def _is_right(model, data):
    model.eval()
    with no_grad():
        return (model(data.inputs)[0].data.argmax(1) == data.labels).astype(float)


def _encoded(model, name, data):
    model.eval()
    with no_grad():
        return model.encoders[name](data.inputs[(FAST, SLOW).index(name)]).pooled.data


# The modalities of a picture and its caption -----------------------------------------------------------------------


def statistics(x):
    """What sets one modality apart from another, of its vectors (N, D): a number for each of `STATISTICS`.

    The number of entries, their mean and standard deviation, the share that is 0, how many different values there are,
    the participation ratio and the intrinsic dimension by two nearest neighbours.
    """
    return [x.shape[1], float(x.mean()), float(x.std()), float((x == 0).mean()), len(np.unique(x)),
            participation_ratio(x), intrinsic_dimension(x)]


def _told_and_shown(rng, n=MEASURED):
    """The same scenes as vectors: pixels (n, D), and the counts of a caption's words (n, V)."""
    world = ShapesWorld(size=16)
    scenes = world.sample(n, rng)
    captions = [own[0] for own in world.captions(scenes, rng, 1)]
    tokens = WordTokenizer.fit(captions)
    counts = np.stack([np.bincount(tokens.encode(caption), minlength=len(tokens)) for caption in captions])
    return world.render(scenes, rng).reshape(n, -1), counts.astype(float)


def _tell(run, report, scores):
    """The statistics of pictures and captions, and how fast each contender learns."""
    pictures, captions = _told_and_shown(run.rng(83))
    report.table([["pixels of pictures", *statistics(pictures)], ["words of captions", *statistics(captions)]],
                 ["modality", *STATISTICS], f"Two modalities of the same {MEASURED} scenes of the shapes world.")
    epochs = min(found["curve"].shape[1] for found in scores.values())
    shown = sorted({round(k) for k in np.geomspace(1, epochs, 6)})
    report.table([[kind, *(float(found["curve"][:, k - 1].mean()) for k in shown)] for kind, found in scores.items()],
                 ["contender", *(f"epoch {k}" for k in shown)], "Validation accuracy while training; mean over seeds.")
