"""Classifiers of a picture beside a text, which differ in where the text comes in; made equally large.

A model of this file takes (images, ids) and gives logits (B, K); `model.loss((images, ids), labels)` is what it is
trained by, and `model.features((images, ids))` are the CNN's, (B, P), for probes.
"""

import numpy as np

from .... import functional as F
from .... import nn
from ....data import SHAPES, WordTokenizer, guiding_texts, pad_batch
from ....data.texts.tokenizer import PAD, SPECIALS
from ....encoders import BagOfWords, ConvEncoder, FiLMConvEncoder
from .contenders import Alone, Experts, sized

__all__ = ["KINDS", "as_ids", "guiding_model"]

SIZE, GLANCE = 24, 3  # pixels a side, and regions of what is pooled
WIDTHS = ((12,), (24,), (32,))
CONTEXT = 16  # of the text's vector
TELLING = 1.0  # weight of the second target
PARAMETERS = 30_000
TOKENS = WordTokenizer.fit(guiding_texts())
KINDS = ("alone", "told", "late", "joined", "film")


def as_ids(texts):
    """Texts to int64 ids (N, T), as long as the longest that there is."""
    longest = max(guiding_texts(), key=lambda text: len(TOKENS.encode(text)))
    return pad_batch([TOKENS.encode(text) for text in (longest, *texts)])[0][1:]


def guiding_model(kind, rng, parameters=PARAMETERS):
    """A contender by name, one of `KINDS`, with at most so many parameters."""
    def make(kind, parameters):
        if kind == "words":
            return sized(lambda width: Alone(_Words(rng=rng), 1, width, len(SHAPES), rng=rng), parameters)
        family = {"alone": _Reader, "told": _Told, "joined": _Joined, "film": _Guided}[kind]
        return sized(lambda width: family(width, rng=rng), parameters)

    if kind == "late":
        words = make("words", parameters // 10)
        return Experts([make("alone", parameters - words.num_parameters()), words],
                       np.full(len(SHAPES), 1 / len(SHAPES)))
    return make(kind, parameters)


class _Words(BagOfWords):
    """A bag of words that knows its padding by itself."""

    def __init__(self, *, rng):
        super().__init__(len(TOKENS), CONTEXT, rng=rng)

    def forward(self, ids, mask=None):
        return super().forward(ids, ids != PAD)


class _Reader(nn.Module):
    """The CNN alone, a layer, and scores; the text is left out."""

    def __init__(self, width, *, rng):
        self.eye = self.make_eye(rng)
        self.hidden = nn.Linear(self.eye.pooled_width + self.beside, width, rng=rng)
        self.scores = nn.Linear(width, len(SHAPES), rng=rng)

    beside = 0  # entries that join the CNN's features

    def make_eye(self, rng):
        return ConvEncoder(WIDTHS, SIZE, glance=GLANCE, rng=rng)

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

    def __init__(self, width, *, rng):
        super().__init__(width, rng=rng)
        self.words = nn.Linear(width, len(TOKENS), rng=rng)

    def loss(self, inputs, labels):
        read = self.read(inputs)
        said = np.zeros((len(labels), len(TOKENS)), np.float32)
        np.put_along_axis(said, inputs[1], 1, axis=1)
        said[:, :len(SPECIALS)] = 0
        telling = F.binary_cross_entropy_with_logits(self.words(read), said)
        return F.cross_entropy(self.scores(read), labels) + TELLING * telling


class _Joined(_Reader):
    """The text joins what the CNN has made of the picture: features side by side."""

    beside = CONTEXT

    def __init__(self, width, *, rng):
        super().__init__(width, rng=rng)
        self.text = _Words(rng=rng)

    def read(self, inputs):
        both = F.concatenate([self.features(inputs), self.text(inputs[1]).pooled], -1)
        return F.relu(self.hidden(both))


class _Guided(_Reader):
    """The text scales and shifts the channels of every convolution."""

    def __init__(self, width, *, rng):
        super().__init__(width, rng=rng)
        self.text = _Words(rng=rng)

    def make_eye(self, rng):
        return FiLMConvEncoder(CONTEXT, WIDTHS, SIZE, glance=GLANCE, rng=rng)

    def features(self, inputs):
        return self.eye(inputs[0], context=self.text(inputs[1]).pooled).pooled
