"""The recipe's two models: one that transcribes, one that names a single digit;
both are an audio encoder and a layer of scores."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from ... import nn
from ...autograd import no_grad
from ...cores.threads import parallel_for
from ...encoders import AudioRecurrent, AudioTransformer
from .features import BANDS, spectrograms

__all__ = ["BLANK", "Classifier", "ModelConfig", "Recogniser", "build", "description", "in_batches", "scores_of"]

BLANK, DIGITS = 0, 10  # CTC's classes: the blank, then digit d as d + 1


@dataclass(frozen=True)
class ModelConfig:
    """What determines the shapes of all parameters."""

    isolated: bool
    encoder: str
    width: int
    channels: tuple
    dropout: float
    halvings: int = 2
    layers: int = 1


class Recogniser(nn.Module):
    """Spectrograms to scores of the blank and the digits at each place: what CTC aligns."""

    def __init__(self, encoder, *, rng):
        self.encoder = encoder
        self.scores = nn.Linear(encoder.width, 1 + DIGITS, rng=rng)

    def forward(self, x, mask):
        """Spectrograms (B, T, F), mask (B, T) to scores (B, N, 11), mask (B, N)."""
        sequence, _, mask = self.encoder(x, mask)
        return self.scores(sequence), mask


class Classifier(nn.Module):
    """Spectrograms of one digit each to scores of the ten, from the mean of the features."""

    def __init__(self, encoder, dropout=0.0, *, rng):
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.scores = nn.Linear(encoder.width, DIGITS, rng=rng)

    def forward(self, x, mask):
        """Spectrograms (B, T, F), mask (B, T) to scores (B, 10)."""
        return self.scores(self.dropout(self.encoder(x, mask)[1]))


def build(config, rng):
    """The model of a ModelConfig, its weights drawn from `rng`."""
    options = {"width": config.width, "channels": config.channels, "halvings": config.halvings, "layers": config.layers,
               "dropout": config.dropout, "rng": rng}
    if config.encoder == "transformer":
        encoder = AudioTransformer(BANDS, **options)
    else:
        encoder = AudioRecurrent(BANDS, kind=config.encoder, **options)
    return Classifier(encoder, config.dropout, rng=rng) if config.isolated else Recogniser(encoder, rng=rng)


def description(config):
    """What a checkpoint says about its model, beside the weights."""
    return {"recipe": "speech-recognition", "model": asdict(config)}


def in_batches(sounds, body, batch=50):
    """body(x, mask) on clips of about equal length, batches shared out among the cores:
    its rows, in the order of the clips."""
    order = np.argsort([len(sound) for sound in sounds], kind="stable")
    groups = [order[start:start + batch] for start in range(0, len(order), batch)]
    found = [None] * len(sounds)

    def some(first, last):
        with no_grad():
            for rows in groups[first:last]:
                for row, result in zip(rows, body(*spectrograms([sounds[i] for i in rows]))):
                    found[row] = result

    parallel_for(len(groups), some, work=math.inf)
    return found


def scores_of(model, sounds):
    """The scores of a model in eval mode: (10,) for each clip, or (N, 11) with its own N."""
    model.eval()

    def body(x, mask):
        if isinstance(model, Classifier):
            return list(model(x, mask).data)
        scores, mask = model(x, mask)
        return [row[real] for row, real in zip(scores.data, mask)]

    return in_batches(sounds, body)
