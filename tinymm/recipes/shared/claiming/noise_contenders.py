"""The contenders of the claim on noise: either modality alone, and five ways to fuse, equally large.

A model of this file takes the inputs of both modalities, of B rows each, and `present` (B, 2), booleans, and gives
logits. Where a modality is absent, nothing depends on what its input holds.
"""

from .... import functional as F
from .... import nn
from ....fusion import (
    ConcatenationFusion, FusedClassifier, GatedMultimodalUnit, MissingTokens, ModalityDropout,
)
from .contenders import Alone, Experts, sized

__all__ = ["FUSIONS", "NAIVE", "model_of"]

NAIVE = "concatenation"
FUSIONS = (NAIVE, "modality dropout", "missing token", "product", "gated")
TAKEN = 0.3  # how often modality dropout takes a modality


def model_of(world, kind, rng):
    """A contender by name, with at most so many parameters as the world allows.

    - a modality's name: that modality alone;
    - "concatenation": both vectors side by side, zeros for what is absent;
    - "modality dropout": the same, but in training each modality is now and then absent;
    - "missing token": the same, with a learned vector in place of what is absent;
    - "product": each modality decides by itself, and the probabilities are multiplied; what is absent has no factor;
    - "gated": each coordinate chooses between the modalities, and takes the one that is left.

    Parameters
    ----------
    world : NoisyWorld
    kind : str
    rng : numpy.random.Generator

    Returns
    -------
    Module
    """
    def alone(place, width):
        encoder = world.encoders(rng)[world.modalities[place]]
        return Alone(encoder, place, width, len(world.prior), rng=rng)

    if kind in world.modalities:
        return sized(lambda width: alone(world.modalities.index(kind), width), world.parameters)
    if kind == "product":
        return sized(lambda width: _Product([alone(place, width) for place in range(2)], world.prior),
                     world.parameters)
    return sized(lambda width: _Together(world, kind, width, rng), world.parameters)


class _Together(nn.Module):
    """Both encoders, a fusion that may lack one of them, and scores."""

    def __init__(self, world, kind, width, rng):
        encoders = world.encoders(rng)
        widths = {name: encoder.pooled_width for name, encoder in encoders.items()}
        fusion = (GatedMultimodalUnit if kind == "gated" else ConcatenationFusion)(widths, width, rng=rng)
        if kind == "missing token":
            fusion = MissingTokens(fusion, rng=rng)
        if kind in ("missing token", "modality dropout"):
            fusion = ModalityDropout(fusion, TAKEN, rng=rng)
        self.classifier = FusedClassifier(encoders, fusion, len(world.prior), rng=rng)

    def forward(self, inputs):
        *given, present = inputs
        return self.classifier(tuple(given), present=present)[0]

    def loss(self, inputs, labels):
        return F.cross_entropy(self(inputs), labels)


class _Product(Experts):
    """Experts of which one may be absent."""

    def forward(self, inputs):
        *given, present = inputs
        decided = tuple(F.log_softmax(expert(given), -1) for expert in self.experts)
        return self.product(decided, present=present).features
