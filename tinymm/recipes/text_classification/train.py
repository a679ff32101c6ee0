"""The classifier's training: what a batch is, what is minimised, what validation looks at."""

import numpy as np

from ... import functional as F
from ...data.texts.tokenizer import PAD, UNK
from ...mapping import hide_words
from ...metrics import accuracy
from ...optim import AdamW, WarmupCosine
from ...training import Selection, Trainer, TrainingConfig, TrainingSet
from .model import TOKENIZERS, ModelConfig, build, description, padded, probabilities

__all__ = ["fit_tokenizer", "make_trainer"]

MAX_NORM, WARMUP, EMA = 1.0, 0.1, 0.995
PIECES = 2000  # of the byte-pair vocabulary, at most
REPLICAS = 2  # one for each core of a small machine; the same numbers on any


def fit_tokenizer(kind, texts):
    """The tokenizer of some training texts; `kind` is one of `TOKENIZERS`."""
    options = {"vocabulary": PIECES} if kind == "bpe" else {}
    return TOKENIZERS[kind].fit(texts, **options)


def make_trainer(task, tokenizer, encoder, seed, epochs=None, folder=None, members=1):
    """A Trainer of a new classifier for a Task.

    Parameters
    ----------
    task : Task
    tokenizer
        Of one of the classes in `TOKENIZERS`.
    encoder : str
        One of `ENCODERS`.
    seed : int
    epochs : int, optional
        By default as the task's setting says.
    folder : path, optional
        Where the checkpoint goes.
    members : int
        Classifiers to train side by side.
    """
    own, train = task.setting, task.parts["train"]
    config = ModelConfig(encoder, len(tokenizer), len(task.classes), own.width, own.embedding, own.dropout,
                         own.head_dropout, members)
    model = build(config, np.random.default_rng([seed, 0]))
    encoded = [tokenizer.encode(text) for text in train.texts]
    epochs = epochs or own.epochs
    total = epochs * -(-len(train) // own.batch_size)
    optimizer = AdamW(model.parameters(), lr=own.peak_rate, weight_decay=own.weight_decay)

    def batch(rows, rng):
        return *padded([encoded[i] for i in rows]), train.labels[rows]

    def loss(model, batch, rng):
        """The mean over the members, each shown its own words;
        its gradients are those of members trained alone, over M."""
        (ids, mask, labels), losses, right = batch, [], []
        for member in model.members:
            logits = member(_hidden(ids, own.hidden_words, rng), mask)
            losses.append(F.cross_entropy(logits, labels, label_smoothing=own.smoothing))
            right.append((logits.data.argmax(1) == labels).mean())
        return sum(losses) / len(losses), {"accuracy": np.mean(right)}

    trainer = Trainer(
        model, loss, optimizer, TrainingSet(len(train), batch, [len(ids) for ids in encoded]),
        TrainingConfig(epochs, own.batch_size, seed, MAX_NORM, Selection("val/accuracy"), EMA, REPLICAS),
        WarmupCosine(optimizer, int(WARMUP * total), total), _validation(task.parts["val"], tokenizer), folder)
    trainer.about = description(config, tokenizer, task.classes)
    return trainer


def _hidden(ids, share, rng):
    """Some words become <unk>; where a token is a bag, its letters still show."""
    if ids.ndim == 2:
        return hide_words(ids, share, UNK, rng)
    shown = ids.copy()
    shown[..., 0] = np.where(ids[..., 0] == PAD, PAD, hide_words(ids[..., 0], share, UNK, rng))
    return shown


def _validation(val, tokenizer):
    def scores(model):
        p = probabilities(model, tokenizer, val.texts)
        likelihood = p[np.arange(len(val)), val.labels]
        return {"accuracy": accuracy(p.argmax(1), val.labels), "loss": -np.log(np.maximum(likelihood, 1e-12)).mean()}

    return scores
