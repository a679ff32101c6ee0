"""The classifier's training: what a batch is, what is minimised, what validation looks at."""

from dataclasses import dataclass

import numpy as np

from ... import functional as F
from ...data import flipped, shifted, turned
from ...metrics import accuracy
from ...optim import AdamW, WarmupCosine
from ...training import Trainer, TrainingConfig, TrainingSet
from .model import ModelConfig, build, description, probabilities

__all__ = ["SETTINGS", "Setting", "augmented", "make_trainer"]

MAX_NORM, WARMUP = 1.0, 0.1
REPLICAS = 2  # one for each core of a small machine; the same numbers on any


@dataclass(frozen=True)
class Setting:
    """How an encoder is trained."""

    batch_size: int
    steps: int  # of the optimiser, about, in whole epochs
    peak_rate: float  # the learning rate at its highest
    weight_decay: float
    dropout: float  # on the pooled vector
    ema: float  # decay of the average of the parameters that is kept


SETTINGS = {
    "cnn": Setting(64, 750, 3e-3, 0.05, 0.2, 0.99),
    "resnet": Setting(64, 480, 3e-3, 0.05, 0.2, 0.99),
    "vit": Setting(32, 3600, 2e-3, 0.05, 0.0, 0.99),
}


def augmented(images, how, rng):
    """Training images, changed as an `Augmentation` says."""
    images = shifted(images, how.shift, rng)
    if how.degrees or how.stretch:
        images = turned(images, how.degrees, rng, how.stretch)
    return flipped(images, rng) if how.flip else images


def make_trainer(task, encoder, seed, epochs=None, folder=None):
    """A Trainer of a new classifier for a Task.

    Parameters
    ----------
    task : Task
    encoder : {"cnn", "resnet", "vit"}
    seed : int
    epochs : int, optional
        By default as many as make the task's share of the encoder's steps.
    folder : path, optional
        Where the checkpoint goes.
    """
    own, train = SETTINGS[encoder], task.parts["train"]
    config = ModelConfig(encoder, len(task.names), task.size[1], task.size[0], own.dropout)
    model = build(config, np.random.default_rng([seed, 0]))
    epoch_steps = -(-len(train) // own.batch_size)
    epochs = epochs or max(1, round(own.steps * task.effort / epoch_steps))
    total = epochs * epoch_steps
    optimizer = AdamW(model.parameters(), lr=own.peak_rate, weight_decay=own.weight_decay)

    def batch(rows, rng):
        return augmented(train.load(rows), task.augmentation, rng), train.labels[rows]

    def loss(model, batch, rng):
        images, labels = batch
        logits = model(images)
        return F.cross_entropy(logits, labels), {"accuracy": (logits.data.argmax(1) == labels).mean()}

    # No selection: the rate ends at zero and the average is smooth, so the last epoch is as good as any.
    trainer = Trainer(model, loss, optimizer, TrainingSet(len(train), batch),
                      TrainingConfig(epochs, own.batch_size, seed, MAX_NORM, ema_decay=own.ema, replicas=REPLICAS),
                      WarmupCosine(optimizer, int(WARMUP * total), total), _validation(task.parts["val"]), folder)
    trainer.about = description(config, task.names)
    return trainer


def _validation(val):
    def scores(model):
        p = probabilities(model, val)
        likelihood = p[np.arange(len(val)), val.labels]
        return {"accuracy": accuracy(p.argmax(1), val.labels), "loss": -np.log(np.maximum(likelihood, 1e-12)).mean()}

    return scores
