"""Pictures of one thing with a partial caption, and all that can happen to either: the claim on noise, embedded."""

from typing import NamedTuple

import numpy as np

from ....data import (
    COLOURS, SHAPES, WordTokenizer, blurred, noisy, occluded, partial_caption, single_scenes, with_words_exchanged,
    with_words_missing,
)
from ....data.shapes.language import VOCABULARY
from ....data.shapes.render import render
from ....encoders import ConvEncoder
from ..plan import Plan
from .contenders import Caption, Examples
from .noisy_world import SEVERITIES, NoisyWorld

__all__ = ["CLASSES", "EMBEDDED", "MODALITIES", "SIDE", "TOKENS", "Pairs", "draw_pairs", "embedded", "told_accuracy"]

MODALITIES = ("picture", "text")
CLASSES = [(colour, shape) for colour in COLOURS for shape in SHAPES]
SIDE = 16  # pixels
RADII = {"small": (0.20, 0.25), "large": (0.29, 0.35)}  # of the frame
TOLD = 0.8  # how often a caption tells the colour, and how often the shape
NOISE = 0.4  # standard deviation of additive noise at severity 1
TOKENS = WordTokenizer([*VOCABULARY, "thing"])
OWN = (*COLOURS, *SHAPES, "small", "large", "thing")  # words that take others' places
FOREIGN = ("rouge", "vert", "bleu", "jaune", "violet", "cercle", "carré", "croix", "losange", "petit", "grand")
WORDS = 7  # words of a caption
SIZES = {"train": 2500, "val": 500, "test": 1000}
PLAN = Plan(batch_size=64, steps=400, peak_rate=1e-3, weight_decay=0.01, replicas=1)
EXAMPLE = {"blur": 0.75, "words missing": 0.5}  # the article's: how blurred, how partial the caption


class Pairs(NamedTuple):
    """Pictures (N, 3, SIDE, SIDE), captions, and labels (N,), numbers of `CLASSES`."""

    pictures: np.ndarray
    captions: list
    labels: np.ndarray

    def examples(self, missing=None):
        """What the contenders take: pictures, ids (N, WORDS), and who is there (N, 2); one modality may be missing.

        A caption without a word is a missing one.
        """
        ids = np.zeros((len(self.labels), WORDS), int)
        for row, caption in zip(ids, self.captions):
            words = TOKENS.encode(caption)[1:-1]
            row[:len(words)] = words
        present = np.stack([np.ones(len(ids), bool), ids.any(1)], 1)
        if missing is not None:
            present[:, MODALITIES.index(missing)] = False
        return Examples((self.pictures, ids, present), self.labels)


def draw_pairs(n, rng):
    """Draw things of any colour, shape, size and place, paint and describe them: Pairs.

    Given the class, what a caption tells and how the picture looks are drawn independently.

    Examples
    --------
    >>> pairs = draw_pairs(2, np.random.default_rng(0))
    >>> pairs.pictures.shape, pairs.captions
    ((2, 3, 16, 16), ['large thing on the left', 'yellow diamond in the middle'])
    """
    labels = rng.integers(len(CLASSES), size=n)
    scenes = single_scenes([CLASSES[label] for label in labels], n, rng, RADII)
    captions = [partial_caption(scene, rng, TOLD) for scene in scenes]
    return Pairs(render(scenes, rng, SIDE), captions, labels)


# What can happen --------------------------------------------------------------------------------------------------


def _blur(pairs, severity, rng):
    return pairs._replace(pictures=blurred(pairs.pictures, severity))


def _noise(pairs, severity, rng):
    return pairs._replace(pictures=noisy(pairs.pictures, severity * NOISE, rng))


def _occlusion(pairs, severity, rng):
    return pairs._replace(pictures=occluded(pairs.pictures, severity, rng))


def _words_missing(pairs, severity, rng):
    return pairs._replace(captions=with_words_missing(pairs.captions, severity, rng))


def _words_exchanged(pairs, severity, rng):
    return pairs._replace(captions=with_words_exchanged(pairs.captions, severity, rng, OWN))


def _words_foreign(pairs, severity, rng):
    return pairs._replace(captions=with_words_exchanged(pairs.captions, severity, rng, FOREIGN))


SWEEPS = {  # by name what happens, one after the other
    "blur": (_blur,), "noise": (_noise,), "occlusion": (_occlusion,),
    "words missing": (_words_missing,), "words exchanged": (_words_exchanged,), "words foreign": (_words_foreign,),
    "both seen": (_blur, _words_missing), "both new": (_noise, _words_exchanged),
}


def told_accuracy(severity=0.0):
    r"""How often a caption gives away colour and shape, to Bayes' rule, when so many of its words are missing:

    $$ \left(c + \frac{1 - c}{6}\right)\left(c + \frac{1 - c}{5}\right), \qquad
       c = \mathrm{TOLD} \cdot (1 - \mathrm{severity}) . $$

    c is the probability that the word for the colour is there, and that the word for the shape is, independently. What
    is not there must be guessed, among 6 and among 5, each as likely. Size and place say nothing about either.

    Examples
    --------
    >>> round(told_accuracy(), 4), round(told_accuracy(1.0) * 30, 4)
    (0.7, 1.0)
    """
    c = TOLD * (1 - severity)
    return (c + (1 - c) / len(COLOURS)) * (c + (1 - c) / len(SHAPES))


# The world --------------------------------------------------------------------------------------------------------


def _encoders(rng):
    return {"picture": ConvEncoder(((8,), (16,), (32,)), SIDE, glance=2, rng=rng),
            "text": Caption(len(TOKENS), 32, rng=rng)}


def _ceilings():
    """By part, what Bayes' rule reaches with the caption alone."""
    by_severity = [told_accuracy(severity) for severity in SEVERITIES]
    area = float(np.trapezoid(by_severity, SEVERITIES))
    best = {"test": told_accuracy(), "example": told_accuracy(EXAMPLE["words missing"]),
            **dict.fromkeys(("words missing", "words foreign", "both seen"), area)}
    return {("text", part): accuracy for part, accuracy in best.items()}


def embedded(draw=draw_pairs, sizes=SIZES):
    """The world of these pairs, or of others that ``draw(n, rng)`` gives: NoisyWorld."""
    return NoisyWorld(
        modalities=MODALITIES,
        draw=lambda part, rng: draw(sizes[part], rng),
        prior=np.full(len(CLASSES), 1 / len(CLASSES)),
        encoders=_encoders,
        parameters=20_000,
        plan=PLAN,
        rates=(3e-3, 1e-2, 3e-2),
        sweeps=SWEEPS,
        seen=("blur", "words missing"),
        new={"new in picture": ("noise", "occlusion"), "new in text": ("words exchanged", "words foreign")},
        example=EXAMPLE,
        ceilings=_ceilings(),
    )


EMBEDDED = embedded()
