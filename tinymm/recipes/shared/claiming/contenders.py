"""Classifiers of one modality and of two, made equally large, and how one of them is trained and tested.

A model of this file takes a tuple of inputs, one for each modality, and gives logits (B, K); `model.loss(inputs,
labels)` is what it is trained by.
"""

import numpy as np

from .... import functional as F
from .... import nn
from ....data.texts.tokenizer import PAD
from ....encoders import BagOfWords, Encoded
from ....fusion import FusedClassifier, ProductOfExperts
from ....training import TrainingSet
from ..prediction import over_batches

__all__ = ["Alone", "Caption", "Examples", "Experts", "Together", "VectorEncoder", "frequencies", "is_right",
           "learned", "sized"]

AT_ONCE = 250  # test items


class VectorEncoder(nn.Module):
    r"""One layer on a vector: $\mathrm{ReLU}(W x + b)$, as an encoder.

    Parameters
    ----------
    inputs, width : int
    rng : numpy.random.Generator
    """

    def __init__(self, inputs, width, *, rng):
        self.linear = nn.Linear(inputs, width, rng=rng)
        self.width = self.pooled_width = width

    def forward(self, x, mask=None):
        """Vectors (B, inputs) to Encoded."""
        pooled = F.relu(self.linear(x))
        return Encoded(pooled[:, None], pooled, None)


class Caption(BagOfWords):
    """A bag of words that sees by itself where the padding is: ids (B, T) to Encoded."""

    def forward(self, ids, mask=None):
        return super().forward(ids, ids != PAD)


class Alone(nn.Module):
    """A classifier of one modality: its encoder, a layer, and scores.

    Parameters
    ----------
    encoder : Module
    place : int
        Of its modality among the inputs.
    width : int
        Of the layer.
    classes : int
    rng : numpy.random.Generator
    """

    def __init__(self, encoder, place, width, classes, *, rng):
        self.encoder, self.place = encoder, place
        self.hidden = nn.Linear(encoder.pooled_width, width, rng=rng)
        self.scores = nn.Linear(width, classes, rng=rng)

    def forward(self, inputs):
        """Logits (B, K)."""
        return self.scores(F.relu(self.hidden(self.encoder(inputs[self.place]).pooled)))

    def loss(self, inputs, labels):
        """Cross-entropy."""
        return F.cross_entropy(self(inputs), labels)


class Together(nn.Module):
    """A classifier of both modalities: their encoders, a fusion, and scores.

    Parameters
    ----------
    encoders : dict of str to Module
    fusion : Module
    classes : int
    rng : numpy.random.Generator
    """

    def __init__(self, encoders, fusion, classes, *, rng):
        self.classifier = FusedClassifier(encoders, fusion, classes, rng=rng)

    def forward(self, inputs):
        """Logits (B, K)."""
        return self.classifier(inputs)[0]

    def loss(self, inputs, labels):
        """Cross-entropy."""
        return F.cross_entropy(self(inputs), labels)


class Experts(nn.Module):
    r"""The product of classifiers that are trained each alone: $p(k) \propto p(k \mid x_1)\, p(k \mid x_2) / p(k)$.

    Parameters
    ----------
    experts : sequence of Alone
    prior : array (K,)
        How frequent each class is.
    """

    def __init__(self, experts, prior):
        self.experts = nn.ModuleList(experts)
        self.product = ProductOfExperts({str(i): len(prior) for i in range(len(experts))}, prior)

    def forward(self, inputs):
        """Logits (B, K)."""
        return self.product(tuple(F.log_softmax(expert(inputs), -1) for expert in self.experts)).features

    def loss(self, inputs, labels):
        """The sum of the experts' cross-entropies: none learns from what another says."""
        return sum(expert.loss(inputs, labels) for expert in self.experts)


class Examples:
    """Inputs of several modalities, row by row, with labels.

    Parameters
    ----------
    inputs : tuple of arrays (N, ...)
    labels : int array (N,)
    """

    def __init__(self, inputs, labels):
        self.inputs, self.labels = tuple(inputs), labels

    def __len__(self):
        return len(self.labels)

    def rows(self, rows):
        """The inputs of some rows: tuple of arrays."""
        return tuple(x[rows] for x in self.inputs)

    def part(self, rows):
        """The examples of some rows."""
        return Examples(self.rows(rows), self.labels[rows])

    def changed(self, place, change):
        """The examples with one modality's inputs changed."""
        return Examples([change(x) if i == place else x for i, x in enumerate(self.inputs)], self.labels)

    def permuted(self, place, rng):
        """The examples with one modality's rows in another order, so that it is another example's."""
        return self.changed(place, rng.permutation)


def frequencies(labels, classes):
    """How frequent each class is, as a prior: float64 (K,); one that does not occur counts as if it did once.

    Examples
    --------
    >>> frequencies(np.array([0, 0, 2]), 3).tolist()
    [0.5, 0.25, 0.25]
    """
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    return counts / counts.sum()


def sized(make, parameters):
    """The largest model of a family with at most so many parameters.

    Parameters
    ----------
    make : callable
        ``make(width)`` gives a model; the wider, the larger.
    parameters : int

    Returns
    -------
    Module
        The one of width 1 if none is small enough.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sized(lambda width: nn.Linear(10, width, rng=rng), 100).weight.shape
    (9, 10)
    """
    low, high = 1, 2                                                     # high is too wide, once it has been doubled
    while make(high).num_parameters() <= parameters:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if make(middle).num_parameters() <= parameters else (low, middle)
    return make(low)


def learned(run, plan, model, data, seed, report):
    """Train a model of this file by a plan; nothing is written.

    Parameters
    ----------
    run : Run
        Of whose options `epochs` counts.
    plan : Plan
        Its rate is the contender's.
    model : Module
    data : Examples
    seed : int
        Of the order of the batches.
    report : callable
        Is told the share of the steps that are done.

    Returns
    -------
    Module
    """
    def loss(model, batch, rng):
        inputs, labels = batch
        return model.loss(inputs, labels)

    examples = TrainingSet(len(data), lambda rows, rng: (data.rows(rows), data.labels[rows]))
    trainer = plan.trainer(model, loss, examples, None, run.epochs, seed)
    trainer.fit(progress=report)
    return trainer.model


def is_right(model, data):
    """Whether each example is classified right: float array (N,), 0 or 1."""
    logits = over_batches(model, len(data), AT_ONCE, lambda rows: model(data.rows(rows)).data)
    return (np.stack(logits).argmax(1) == data.labels).astype(float)
