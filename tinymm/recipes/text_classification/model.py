"""The recipe's classifier: encoders with a linear layer each,
built from a handful of numbers that the checkpoint keeps."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from ... import functional as F
from ... import nn
from ...autograd import no_grad
from ...data import (
    BytePairTokenizer, CharTokenizer, SubwordTokenizer, WordTokenizer, batches_by_length, pad_batch, pad_pieces,
)
from ...cores.threads import parallel_for
from ...encoders import BagOfWords, TextCNN, TextRNN, TextTransformer
from ...training import load_checkpoint, load_weights

__all__ = ["ENCODERS", "TOKENIZERS", "Ensemble", "ModelConfig", "TextClassifier", "build", "description",
           "load", "padded", "probabilities"]

ENCODERS = ("bag", "cnn", "lstm", "gru", "transformer")
TOKENIZERS = {"word": WordTokenizer, "char": CharTokenizer, "bpe": BytePairTokenizer, "subword": SubwordTokenizer}


@dataclass(frozen=True)
class ModelConfig:
    """What determines the shapes of all parameters."""

    encoder: str
    vocabulary: int
    classes: int
    width: int
    embedding: int
    dropout: float
    head_dropout: float
    members: int = 1


class TextClassifier(nn.Module):
    r"""$p(k \mid \text{text}) = \operatorname{softmax}(W y + b)_k$, y the pooled vector of a `TextEncoder`.

    Parameters
    ----------
    encoder : TextEncoder
    classes : int
        K.
    dropout : float
        On y.
    rng : numpy.random.Generator

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = TextClassifier(TextCNN(10, 6, embedding=4, rng=rng), classes=3, rng=rng)
    >>> model(np.array([[4, 5, 6]])).shape
    (1, 3)
    """

    def __init__(self, encoder, classes, dropout=0.0, *, rng):
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.output = nn.Linear(encoder.pooled_width, classes, rng=rng)

    def forward(self, ids, mask=None):
        """ids (B, T) or (B, T, G), mask (B, T) to logits (B, K)."""
        return self.judge(self.encoder.embed(ids), mask)

    def judge(self, x, mask=None):
        """Token vectors x (B, T, E) to logits (B, K)."""
        return self.output(self.dropout(self.encoder.read(x, mask)[1]))


class Ensemble(nn.Module):
    r"""Classifiers that learn each by itself and answer together: $p = \tfrac1M \sum_m p_m$.

    The errors that members make because of where they started, or which words were hidden from them, are not the same.

    Parameters
    ----------
    members : sequence of TextClassifier

    References
    ----------
    Lakshminarayanan et al. (2017), Simple and scalable predictive uncertainty estimation using deep ensembles, §2.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = Ensemble([TextClassifier(TextCNN(10, 6, embedding=4, rng=rng), classes=3, rng=rng) for _ in range(2)])
    >>> bool(np.isclose(model(np.array([[4, 5, 6]])).data.sum(), 1))
    True
    """

    def __init__(self, members):
        self.members = nn.ModuleList(members)

    def forward(self, ids, mask=None):
        """ids (B, T) or (B, T, G), mask (B, T) to probabilities (B, K)."""
        return sum(F.softmax(member(ids, mask), -1) for member in self.members) / len(self.members)


def build(config, rng):
    """The Ensemble of a ModelConfig, its weights drawn from `rng`."""
    return Ensemble([_member(config, rng) for _ in range(config.members)])


def _member(c, rng):
    if c.encoder == "bag":
        encoder = BagOfWords(c.vocabulary, c.width, c.dropout, rng=rng)
    elif c.encoder == "cnn":
        encoder = TextCNN(c.vocabulary, c.width, c.embedding, dropout=c.dropout, rng=rng)
    elif c.encoder == "transformer":
        encoder = TextTransformer(c.vocabulary, c.width, dropout=c.dropout, rng=rng)
    else:
        encoder = TextRNN(c.vocabulary, c.width, c.embedding, c.encoder, dropout=c.dropout, rng=rng)
    return TextClassifier(encoder, c.classes, c.head_dropout, rng=rng)


def description(config, tokenizer, classes):
    """What a checkpoint says about its model, beside the weights."""
    kind, = (name for name, cls in TOKENIZERS.items() if isinstance(tokenizer, cls))
    return {"recipe": "text-classification", "model": asdict(config), "classes": list(classes),
            "tokenizer": {"kind": kind, "state": tokenizer.to_json()}}


def load(path):
    """(Ensemble in eval mode, tokenizer, classes) of a checkpoint.

    Raises
    ------
    ValueError
        If the file is damaged, or no checkpoint of this recipe.
    """
    about = load_checkpoint(path)[1].get("about", {})
    if about.get("recipe") != "text-classification":
        raise ValueError(f"load: {path} is no checkpoint of `tinymm run text-classification`")
    model = build(ModelConfig(**about["model"]), np.random.default_rng(0))
    load_weights(path, model)
    tokenizer = TOKENIZERS[about["tokenizer"]["kind"]].from_json(about["tokenizer"]["state"])
    return model.eval(), tokenizer, tuple(about["classes"])


def padded(encoded):
    """Encoded texts as (ids, mask), whether their tokens are numbers or bags of numbers."""
    return pad_pieces(encoded) if isinstance(encoded[0][0], list) else pad_batch(encoded)


def probabilities(model, tokenizer, texts, batch=128):
    """The probability an Ensemble gives each class for each text: float array (N, K)."""
    model.eval()
    encoded = [tokenizer.encode(text) for text in texts]
    parts = batches_by_length([len(ids) for ids in encoded], batch)

    def some(first, last):
        with no_grad():
            return [model(*padded([encoded[i] for i in rows])).data for rows in parts[first:last]]

    shares = parallel_for(len(parts), some, work=math.inf)
    found = np.concatenate([p for share in shares for p in share])
    ordered = np.empty_like(found)
    ordered[np.concatenate(parts)] = found
    return ordered
