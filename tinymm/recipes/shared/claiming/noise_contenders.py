"""The contenders of the claim on noise: either modality alone, and five ways to fuse, equally large.

A model of this file takes pictures (B, 3, H, W), ids (B, T) and `present` (B, 2), booleans, and gives logits. Where a
modality is absent, nothing depends on what its input holds.
"""

from .... import functional as F
from .... import nn
from ....data.texts.tokenizer import PAD
from ....encoders import BagOfWords, ConvEncoder
from ....fusion import (
    ConcatenationFusion, FusedClassifier, GatedMultimodalUnit, MissingTokens, ModalityDropout,
)
from .contenders import Alone, Experts, sized
from .noisy_pairs import CLASSES, MODALITIES, SIDE, TOKENS

__all__ = ["FUSIONS", "NAIVE", "PARAMETERS", "model_of"]

NAIVE = "concatenation"
FUSIONS = (NAIVE, "modality dropout", "missing token", "product", "gated")
PARAMETERS = 20_000
WORDS = 32  # width of the encoder of captions
TAKEN = 0.3  # how often modality dropout takes a modality


def model_of(kind, rng, parameters=PARAMETERS):
    """A contender by name, with at most so many parameters.

    - "picture", "text": that modality alone;
    - "concatenation": both vectors side by side, zeros for what is absent;
    - "modality dropout": the same, but in training each modality is now and then absent;
    - "missing token": the same, with a learned vector in place of what is absent;
    - "product": each modality decides by itself, and the probabilities are multiplied; what is absent has no factor;
    - "gated": each coordinate chooses between the modalities, and takes the one that is left.

    Parameters
    ----------
    kind : str
    rng : numpy.random.Generator
    parameters : int

    Returns
    -------
    Module
    """
    def alone(place, width):
        encoder = _encoders(rng)[MODALITIES[place]]
        return Alone(encoder, place, width, len(CLASSES), rng=rng)

    if kind in MODALITIES:
        return sized(lambda width: alone(MODALITIES.index(kind), width), parameters)
    if kind == "product":
        return sized(lambda width: _Product([alone(place, width) for place in range(len(MODALITIES))],
                                            [1 / len(CLASSES)] * len(CLASSES)), parameters)
    return sized(lambda width: _Together(kind, width, rng), parameters)


def _encoders(rng):
    return {"picture": ConvEncoder(((8,), (16,), (32,)), SIDE, glance=2, rng=rng),
            "text": _Caption(len(TOKENS), WORDS, rng=rng)}


class _Caption(BagOfWords):
    """A bag of words that sees by itself where the padding is."""

    def forward(self, ids, mask=None):
        return super().forward(ids, ids != PAD)


class _Together(nn.Module):
    """Both encoders, a fusion that may lack one of them, and scores."""

    def __init__(self, kind, width, rng):
        encoders = _encoders(rng)
        widths = {name: encoder.pooled_width for name, encoder in encoders.items()}
        fusion = (GatedMultimodalUnit if kind == "gated" else ConcatenationFusion)(widths, width, rng=rng)
        if kind == "missing token":
            fusion = MissingTokens(fusion, rng=rng)
        if kind in ("missing token", "modality dropout"):
            fusion = ModalityDropout(fusion, TAKEN, rng=rng)
        self.classifier = FusedClassifier(encoders, fusion, len(CLASSES), rng=rng)

    def forward(self, inputs):
        picture, ids, present = inputs
        return self.classifier((picture, ids), present=present)[0]

    def loss(self, inputs, labels):
        return F.cross_entropy(self(inputs), labels)


class _Product(Experts):
    """Experts of which one may be absent."""

    def forward(self, inputs):
        *given, present = inputs
        decided = tuple(F.log_softmax(expert(given), -1) for expert in self.experts)
        return self.product(decided, present=present).features
