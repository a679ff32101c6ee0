"""The captioner's training: what a batch is, what is minimised, what validation looks at."""

import numpy as np

from ...data import pad_batch, shifted
from ...data.texts.tokenizer import UNK
from ...mapping import caption_loss, hide_words
from ...optim import AdamW, WarmupCosine
from ...training import Selection, Trainer, TrainingConfig, TrainingSet
from .evaluate import scores
from .model import ModelConfig, build, captions_of, description

__all__ = ["make_trainer"]

WEIGHT_DECAY, SMOOTHING, MAX_NORM, WARMUP = 0.1, 0.1, 1.0, 0.15
REPLICAS = 2  # one for each core of a small machine; the same numbers on any
VALIDATED = 200  # validation images captioned after each epoch


def make_trainer(task, tokenizer, seed, epochs, text, folder):
    """A Trainer of a new captioner for a Task; `text` names what reads the prefix, "lstm" or "transformer"."""
    own, train = task.setting, task.parts["train"]
    config = ModelConfig(task.size, len(tokenizer), own.widths, own.width, own.dropout, own.context_dropout, text)
    captioner = build(config, np.random.default_rng([seed, 0]))
    epoch_steps = -(-len(train) // own.batch_size)
    epochs = epochs or max(1, round(own.steps / epoch_steps))
    total = epochs * epoch_steps
    optimizer = AdamW(captioner.parameters(), lr=own.peak_rate, weight_decay=WEIGHT_DECAY)
    trainer = Trainer(
        captioner, _loss(own), optimizer, TrainingSet(len(train), _batches(train, own, tokenizer)),
        TrainingConfig(epochs, own.batch_size, seed, MAX_NORM, Selection(f"val/{task.score}"), replicas=REPLICAS),
        WarmupCosine(optimizer, int(WARMUP * total), total), _validation(task, tokenizer), folder.path)
    trainer.about = description(config, tokenizer)
    return trainer


def _batches(train, own, tokenizer):
    """rows, rng → images (B, 3, H, W), ids (B·K, T), mask (B·K, T): K paraphrases of each image in turn."""
    encoded = [[tokenizer.encode(caption) for caption in group] for group in train.captions]

    def batch(rows, rng):
        chosen = [encoded[i][k] for i in rows for k in _some(len(encoded[i]), own.paraphrases, rng)]
        return shifted(train.images(rows), own.shift, rng), *pad_batch(chosen)

    return batch


def _loss(own):
    def loss(captioner, batch, rng):
        images, ids, mask = batch
        return caption_loss(captioner, images, ids, mask, hide_words(ids, own.hidden_words, UNK, rng), SMOOTHING)

    return loss


def _validation(task, tokenizer):
    val = task.parts["val"]
    rows = np.arange(min(len(val), VALIDATED))
    references, scenes = val.captions[:len(rows)], val.scenes and val.scenes[:len(rows)]
    images = val.images(rows)
    return lambda captioner: scores(captions_of(captioner, tokenizer, images), references, scenes)


def _some(n, k, rng):
    """k of n positions; each once, unless n is too small."""
    return rng.permutation(n)[:k] if k <= n else rng.integers(n, size=k)
