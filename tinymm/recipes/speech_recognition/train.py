"""The recogniser's training: what a batch is, what is minimised, what validation looks at."""

import numpy as np

from ... import functional as F
from ...metrics import accuracy, word_error_rate
from ...optim import AdamW, WarmupCosine
from ...training import Selection, Trainer, TrainingConfig, TrainingSet
from .decoding import greedy
from .features import padded, varied
from .model import ModelConfig, build, description, scores_of

__all__ = ["make_trainer"]

BATCH, PEAK_RATE, WEIGHT_DECAY, SMOOTHING, MAX_NORM, WARMUP = 32, 2e-3, 0.05, 0.1, 1.0, 0.15
REPLICAS = 2  # one for each core of a small machine; the same numbers on any


def make_trainer(task, seed, epochs, encoder, folder):
    """A Trainer of a new model for a Task; `encoder` is "gru", "lstm" or "transformer"."""
    own = task.setting
    config = ModelConfig(task.isolated, encoder, own.width, own.channels, own.dropout)
    model = build(config, np.random.default_rng([seed, 0]))
    n = len(task.parts["train"])
    epoch_steps = -(-n // BATCH)
    epochs = epochs or max(1, round(own.steps / epoch_steps))
    optimizer = AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    measure = Selection("val/accuracy") if task.isolated else Selection("val/digit_error_rate", "min")
    trainer = Trainer(
        model, _classification_loss if task.isolated else _transcription_loss, optimizer,
        TrainingSet(n, _batches(task)),
        TrainingConfig(epochs, BATCH, seed, MAX_NORM, measure, replicas=REPLICAS),
        WarmupCosine(optimizer, int(WARMUP * epochs * epoch_steps), epochs * epoch_steps),
        _validation(task), folder.path)
    trainer.about = description(config)
    return trainer


def _batches(task):
    """rows, rng → spectrograms (B, T, F), mask (B, T), the digits of each clip."""
    def batch(rows, rng):
        sounds, digits = task.draw(rows, rng)
        return *padded([varied(sound, task.setting.variation, rng) for sound in sounds]), digits

    return batch


def _classification_loss(model, batch, rng):
    """Cross-entropy of the single digit of each clip."""
    x, mask, digits = batch
    return F.cross_entropy(model(x, mask), np.array([d for d, in digits]), label_smoothing=SMOOTHING)


def _transcription_loss(model, batch, rng):
    """CTC: minus the log of the probability of the digits, over all ways to align them."""
    x, mask, digits = batch
    scores, mask = model(x, mask)                                        # (B, N, 11), (B, N)
    lengths = np.array([len(string) for string in digits])
    targets = np.concatenate(digits) + 1
    return F.ctc_loss(F.transpose(F.log_softmax(scores, -1), 0, 1), targets, mask.sum(1), lengths)


def _validation(task):
    val = task.parts["val"]

    def isolated(model):
        return {"accuracy": accuracy(np.array(scores_of(model, val.sounds)).argmax(1),
                                     np.array([d for d, in val.digits]))}

    def connected(model):
        return {"digit_error_rate": word_error_rate([greedy(s) for s in scores_of(model, val.sounds)], val.digits)}

    return isolated if task.isolated else connected
