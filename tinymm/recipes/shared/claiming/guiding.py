"""Classifiers of a picture beside a text, which differ in where the text comes in; made equally large.

A model of this file takes (images, ids) and gives logits (B, K); `model.loss((images, ids), labels)` is what it is
trained by, and `model.features((images, ids))` are the CNN's, (B, P), for probes.
"""

from typing import NamedTuple

import numpy as np

from .... import functional as F
from .... import nn
from ....data import SHAPES, WordTokenizer, guiding_texts, pad_batch
from ....data.texts.tokenizer import PAD, SPECIALS
from ....encoders import BagOfWords, ConvEncoder, FiLMConvEncoder
from .contenders import Alone, Experts, sized

__all__ = ["GUIDED", "KINDS", "Task", "as_ids", "fogged", "guiding_model"]

CONTEXT = 16  # of the text's vector
TELLING = 1.0  # weight of the second target
PARAMETERS = 30_000
KINDS = ("alone", "question", "told", "late", "joined", "film")
FOG = 0.15  # the share of grey


class Task(NamedTuple):
    """What is to be read.

    Attributes
    ----------
    size, glance : int
        Pixels a side of a picture, and regions a side of what the CNN pools.
    widths : tuple
        Channels of the CNN, as of `ConvEncoder`.
    tokens : WordTokenizer
        Of the texts.
    longest : str
        A text; all are padded to its length.
    prior : tuple of float
        How frequent each answer is, above 0.
    """

    size: int
    glance: int
    widths: tuple
    tokens: WordTokenizer
    longest: str
    prior: tuple

    @classmethod
    def of(cls, size, glance, channels, texts, prior):
        """The task with all words of some texts; the CNN has a convolution for each number of channels."""
        tokens = WordTokenizer.fit(texts)
        longest = max(texts, key=lambda text: len(tokens.encode(text)))
        return cls(size, glance, tuple((width,) for width in channels), tokens, longest, tuple(prior))


GUIDED = Task.of(24, 3, (12, 24, 32), guiding_texts(), [1 / len(SHAPES)] * len(SHAPES))


def as_ids(texts, task=GUIDED):
    """Texts to int64 ids (N, T), as long as the longest of the task or of these."""
    return pad_batch([task.tokens.encode(text) for text in (task.longest, *texts)])[0][1:]


def fogged(images, share=FOG):
    """Pictures mixed with grey: the same things, in less contrast.

    Examples
    --------
    >>> fogged(np.array([0.0, 1.0]), 0.5).tolist()
    [0.25, 0.75]
    """
    return ((1 - share) * images + share * 0.5).astype(images.dtype)


def guiding_model(kind, rng, parameters=PARAMETERS, task=GUIDED):
    """A contender by name, one of `KINDS`, with at most so many parameters."""
    def make(kind, parameters):
        if kind == "question":
            return sized(lambda width: Alone(_Words(task, rng=rng), 1, width, len(task.prior), rng=rng), parameters)
        family = {"alone": _Reader, "told": _Told, "joined": _Joined, "film": _Guided}[kind]
        return sized(lambda width: family(width, task, rng=rng), parameters)

    if kind == "late":
        words = make("question", parameters // 10)
        return Experts([make("alone", parameters - words.num_parameters()), words], np.array(task.prior))
    return make(kind, parameters)


class _Words(BagOfWords):
    """A bag of words that knows its padding by itself."""

    def __init__(self, task, *, rng):
        super().__init__(len(task.tokens), CONTEXT, rng=rng)

    def forward(self, ids, mask=None):
        return super().forward(ids, ids != PAD)


class _Reader(nn.Module):
    """The CNN alone, a layer, and scores; the text is left out."""

    def __init__(self, width, task, *, rng):
        self.eye = self.make_eye(task, rng)
        self.hidden = nn.Linear(self.eye.pooled_width + self.beside, width, rng=rng)
        self.scores = nn.Linear(width, len(task.prior), rng=rng)

    beside = 0  # entries that join the CNN's features

    def make_eye(self, task, rng):
        return ConvEncoder(task.widths, task.size, glance=task.glance, rng=rng)

    def features(self, inputs):
        """What the CNN makes of the picture: (B, P)."""
        return self.eye(inputs[0]).pooled

    def read(self, inputs):
        """The last layer before the scores."""
        return F.relu(self.hidden(self.features(inputs)))

    def forward(self, inputs):
        return self.scores(self.read(inputs))

    def loss(self, inputs, labels):
        return F.cross_entropy(self(inputs), labels)


class _Told(_Reader):
    """The CNN alone, which in training is also to say the words of the text; tested without a text."""

    def __init__(self, width, task, *, rng):
        super().__init__(width, task, rng=rng)
        self.words = nn.Linear(width, len(task.tokens), rng=rng)

    def loss(self, inputs, labels):
        read = self.read(inputs)
        said = np.zeros((len(labels), self.words.weight.shape[0]), np.float32)
        np.put_along_axis(said, inputs[1], 1, axis=1)
        said[:, :len(SPECIALS)] = 0
        telling = F.binary_cross_entropy_with_logits(self.words(read), said)
        return F.cross_entropy(self.scores(read), labels) + TELLING * telling


class _Joined(_Reader):
    """The text joins what the CNN has made of the picture: features side by side."""

    beside = CONTEXT

    def __init__(self, width, task, *, rng):
        super().__init__(width, task, rng=rng)
        self.text = _Words(task, rng=rng)

    def read(self, inputs):
        both = F.concatenate([self.features(inputs), self.text(inputs[1]).pooled], -1)
        return F.relu(self.hidden(both))


class _Guided(_Reader):
    """The text scales and shifts the channels of every convolution."""

    def __init__(self, width, task, *, rng):
        super().__init__(width, task, rng=rng)
        self.text = _Words(task, rng=rng)

    def make_eye(self, task, rng):
        return FiLMConvEncoder(CONTEXT, task.widths, task.size, glance=task.glance, rng=rng)

    def features(self, inputs):
        return self.eye(inputs[0], context=self.text(inputs[1]).pooled).pooled
