"""The three tasks: what each learns from a share of its labels, from every start, and how it is tested.

A task has `starts`, the names of what it can begin with, and `fit(run, folder, start, share, seed)`, which trains once
and gives of each part of the test how right each item is, 0 to 1. Steps are the same at every share: a batch is drawn
with replacement from what there is. From scratch 1.5 times as many steps are taken: for the pre-training's compute,
which the others had and share among them.
"""

from dataclasses import replace

import numpy as np

from .... import functional as F
from ....data import pad_batch
from ....data.texts.tokenizer import UNK
from ....mapping import caption_loss, hide_words
from ....training import TrainingSet
from ... import captioning, image_recognition
from ..caption_scores import things_right
from ..pretraining_pairs.answering import answer_probabilities, build_answerer
from ..pretraining_pairs.model import BOXES
from ..pretraining_pairs.pairs import shown
from ..pretraining_pairs.region_classifier import read_regions
from .fitting import Training, trained
from .starts import OBJECTS

__all__ = ["MULTIMODAL", "SCRATCH", "TEXTS", "Captioning", "Classification", "Questions", "share_of"]

SCRATCH, TEXTS, MULTIMODAL = "scratch", "texts", "multimodal"
MORE = 1.5  # times as many steps from scratch
ROUND = 50  # steps between two validations
EYE = ("image_encoder.",)  # a captioner's parameters begin with these: what looks, and what writes; the rest is new
WRITER = ("text_encoder.", "words.")


def share_of(count, share, seed):
    """The numbers of a share of `count` examples, at least one, drawn by the seed: sorted int array.

    A smaller share of the same seed lies in the larger one.

    Examples
    --------
    >>> small, large = share_of(100, 0.02, 0), share_of(100, 0.1, 0)
    >>> len(small), len(large), set(small) <= set(large)
    (2, 10, True)
    """
    return np.sort(np.random.default_rng([seed, 20]).permutation(count)[:max(1, round(share * count))])


def _steps(plan, start):
    return plan.evenly.shortened(MORE) if start == SCRATCH else plan


def _drawn(kept, batch_size, batch):
    """A TrainingSet of which an epoch is `ROUND` batches, drawn with replacement from the kept rows."""
    return TrainingSet(ROUND * batch_size, lambda rows, rng: batch(kept[rng.integers(len(kept), size=len(rows))], rng))


class Questions:
    """Questions about pictures, answered by ViLBERT with a head; the classifier of regions is the same for all.

    Parameters
    ----------
    plan : FineTuning
    asked : dict of str to Questions
        "train", "val", "test", "test/held_out".
    starts : PairStarts
    """

    name, starts, metric = "vqa", (SCRATCH, TEXTS, MULTIMODAL), "accuracy"

    def __init__(self, plan, asked, starts):
        self.plan, self.before = plan, starts
        self.names = sorted({answer for part in asked.values() for answer in part.answers})
        self.config = starts.config | {"classes": len(self.names)}
        self.regions, self.place, self.texts, self.labels = {}, {}, {}, {}
        for name, part in asked.items():
            numbers, self.place[name] = np.unique(part.images, return_inverse=True)
            self.regions[name] = read_regions(
                starts.eye, lambda rows, part=part, numbers=numbers: part.load(numbers[rows]), len(numbers),
                BOXES[OBJECTS])
            self.texts[name] = [starts.tokens.encode(text) for text in part.texts]
            self.labels[name] = part.labels(self.names)
        self.pictures = len(self.regions["train"])
        self.parts = tuple(name for name in asked if name.startswith("test"))

    def fit(self, run, folder, start, share, seed, report=None):
        """One training and its test: dict of part to array (N,), how right each item is."""
        model = build_answerer(self.config, np.random.default_rng([seed, 21]))
        model.eye.load_state_dict(self.before.eye.state_dict())
        learned = {TEXTS: self.before.texts, MULTIMODAL: self.before.multimodal}.get(start, {})
        model.encoder.load_state_dict(model.encoder.state_dict() | learned)
        kept = np.flatnonzero(np.isin(self.place["train"], share_of(self.pictures, share, seed)))
        plan = _steps(self.plan, start)
        if learned:                                             # from texts alone, what sees regions is new
            plan = replace(plan, old=tuple(f"encoder.{name}" for name in learned))
        data = _drawn(kept, plan.batch_size, lambda rows, rng: (self._given("train", rows), self.labels["train"][rows]))
        model, _ = trained(run, folder, Training(
            plan, model, self._loss, data, lambda model: {"accuracy": self._right(model, "val").mean()}), seed, report)
        return {part: self._right(model, part) for part in self.parts}

    def _given(self, name, rows):
        return shown(self.regions[name].rows(self.place[name][rows]), [self.texts[name][i] for i in rows])

    @staticmethod
    def _loss(model, batch, rng):
        given, right = batch
        return F.cross_entropy(model(given), right, label_smoothing=0.05)

    def _right(self, model, name):
        texts = self.texts[name]
        p = answer_probabilities(model, len(texts), lambda rows: self._given(name, rows), texts)
        return p.argmax(1) == self.labels[name]


class Captioning:
    """Captions, by a captioner with CLIP's picture tower; from texts, its network of words has learned to write.

    What brings both together, the attention, is new in every start: before a grey picture it learns to look at nothing.

    Parameters
    ----------
    plan : FineTuning
        Of the whole captioner; what it begins with learns at the lower rate.
    parts : dict of str to Captioned
    config : dict
        Of CLIP's towers.
    tokens : WordTokenizer

    Attributes
    ----------
    writer, eye : dict of str to array
        What it starts from, see `take`; empty before.
    """

    name, starts, metric = "captioning", (SCRATCH, TEXTS, MULTIMODAL), "share of the things named rightly"

    def __init__(self, plan, parts, config, tokens):
        self.plan, self.part, self.tokens, self.writer, self.eye = plan, parts, tokens, {}, {}
        self.encoded = [[tokens.encode(caption) for caption in own] for own in parts["train"].captions]
        size = parts["train"].images([0]).shape[2]
        self.config = captioning.config_of(captioning.SHAPES, size, len(tokens), start=config)
        self.parts = tuple(name for name in parts if name.startswith("test"))

    def fit(self, run, folder, start, share, seed, report=None):
        """One training and its test: dict of part to array (N,), how right each item is."""
        model = captioning.build(self.config, np.random.default_rng([seed, 22]))
        if start == TEXTS:
            model.load_state_dict(model.state_dict() | self.writer)
        if start == MULTIMODAL:
            model.image_encoder.load_state_dict(self.eye)
        plan = _steps(replace(self.plan, old=EYE if start == MULTIMODAL else WRITER), start)
        train = self.part["train"]
        data = _drawn(share_of(len(train), share, seed), plan.batch_size,
                      lambda rows, rng: (train.images(rows), *self._captions(rows, rng)))
        model, _ = trained(run, folder, Training(
            plan, model, self.loss, data, lambda model: {"things": self._right(model, "val").mean()}), seed,
            report)
        return {part: self._right(model, part) for part in self.parts}

    def _captions(self, rows, rng):
        """ids (B·K, T), mask (B·K, T): K captions of each picture in turn."""
        times = captioning.SHAPES["paraphrases"]
        return pad_batch([self.encoded[i][k] for i in rows for k in rng.permutation(len(self.encoded[i]))[:times]])

    @staticmethod
    def loss(model, batch, rng):
        """That of the captioning recipe."""
        images, ids, mask = batch
        hidden = hide_words(ids, captioning.SHAPES["hidden_words"], UNK, rng)
        return caption_loss(model, images, ids, mask, hidden, captioning.SMOOTHING)

    def _right(self, model, name):
        part = self.part[name]
        said = captioning.captions_of(model, self.tokens, part.all_images())
        return np.array([things_right(*item) for item in zip(said, part.scenes)])

    def writing(self, run, plan, known):
        """How a captioner learns to write from captions alone, before a grey picture: Training.

        What says how pictures and words meet is learned as far as a grey picture goes.

        Parameters
        ----------
        run : Run
        plan : Plan
        known : Captioned
            To pre-train on.
        """
        encoded = [[self.tokens.encode(caption) for caption in own] for own in known.captions]
        side = self.config["size"]
        grey = np.full((plan.batch_size, 3, side, side), 0.5, np.float32)

        def batch(rows, rng):
            ids, mask = pad_batch([encoded[i][rng.integers(len(encoded[i]))] for i in rows])
            return grey[:len(rows)], ids, mask

        return Training(plan, captioning.build(self.config, run.rng(0)), self.loss, TrainingSet(len(encoded), batch))

    def take(self, writer, eye):
        """Start from what writes of a captioner that has learned to; or from CLIP's picture tower.

        Parameters
        ----------
        writer : Captioner
        eye : dict of str to array
            The state of CLIP's picture tower.
        """
        self.eye = eye
        self.writer = {name: value for name, value in writer.state_dict().items() if name.startswith(WRITER)}


class Classification:
    """Which shape a picture shows, by CLIP's picture tower and a linear layer. There is no text in it to start from.

    Parameters
    ----------
    plan : FineTuning
    parts : dict of str to LabelledImages
    tower : TowerStart
    """

    name, starts, metric = "classification", (SCRATCH, MULTIMODAL), "accuracy"

    def __init__(self, plan, parts, tower):
        self.plan, self.part, self.tower = plan, parts, tower
        sizes = {name: tower.config[name] for name in image_recognition.TOWER_SIZES}
        self.config = {"encoder": tower.config["model"], "classes": len(parts["train"].names),
                       "size": tower.config["size"], "channels": 3, "dropout": 0.0, **sizes}
        self.parts = tuple(name for name in parts if name.startswith("test"))

    def fit(self, run, folder, start, share, seed, report=None):
        """One training and its test: dict of part to array (N,), how right each item is."""
        model = image_recognition.build(self.config, np.random.default_rng([seed, 23]))
        if start == MULTIMODAL:
            model.encoder.load_state_dict(self.tower.state)
        plan, train = _steps(self.plan, start), self.part["train"]
        data = _drawn(share_of(len(train), share, seed), plan.batch_size,
                      lambda rows, rng: (train.load(rows), train.labels[rows]))
        model, _ = trained(run, folder, Training(
            plan, model, self._loss, data, lambda model: {"accuracy": self._right(model, "val").mean()}), seed, report)
        return {part: self._right(model, part) for part in self.parts}

    @staticmethod
    def _loss(model, batch, rng):
        images, labels = batch
        return F.cross_entropy(model(images), labels)

    def _right(self, model, name):
        part = self.part[name]
        return image_recognition.probabilities(model, part).argmax(1) == part.labels
