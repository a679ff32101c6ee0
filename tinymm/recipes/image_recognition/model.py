"""The recipe's classifier: an image encoder and a linear layer,
built from a handful of numbers the checkpoint keeps."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from ... import functional as F
from ... import nn
from ...autograd import no_grad
from ...cores.threads import parallel_for
from ...encoders import ConvEncoder, ResidualEncoder, VisionTransformer
from ...training import load_checkpoint, load_weights

__all__ = ["ENCODERS", "ImageClassifier", "ModelConfig", "build", "description", "load", "probabilities"]

ENCODERS = ("cnn", "resnet", "vit")


@dataclass(frozen=True)
class ModelConfig:
    """What determines the shapes of all parameters."""

    encoder: str
    classes: int
    size: int
    channels: int
    dropout: float


class ImageClassifier(nn.Module):
    r"""$p(k \mid \text{image}) = \operatorname{softmax}(W y + b)_k$, y the pooled vector of an image encoder.

    Parameters
    ----------
    encoder : Module
        Images to (sequence, pooled vector), with `pooled_width`.
    classes : int
        K.
    dropout : float
        On y.
    rng : numpy.random.Generator

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = ImageClassifier(ConvEncoder(((4,), (8,)), 8, glance=1, rng=rng), classes=3, rng=rng)
    >>> model(np.zeros((2, 3, 8, 8), np.float32)).shape
    (2, 3)
    """

    def __init__(self, encoder, classes, dropout=0.0, *, rng):
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.output = nn.Linear(encoder.pooled_width, classes, rng=rng)

    def forward(self, images):
        """images (B, C, H, W) to logits (B, K)."""
        return self.output(self.dropout(self.encoder(images)[1]))


def build(config, rng):
    """The classifier of a ModelConfig, its weights drawn from `rng`."""
    c = config
    if c.encoder == "cnn":
        encoder = ConvEncoder(((16,), (32, 32), (64, 64)), c.size, c.channels, glance=1, rng=rng)
    elif c.encoder == "resnet":
        encoder = ResidualEncoder((16, 32, 64), 1, c.size, c.channels, rng=rng)
    else:
        encoder = VisionTransformer(64, 4, 4, 4, c.size, c.channels, rng=rng)
    return ImageClassifier(encoder, c.classes, c.dropout, rng=rng)


def description(config, names):
    """What a checkpoint says about its model, beside the weights."""
    return {"recipe": "image-recognition", "model": asdict(config), "classes": list(names)}


def load(path):
    """(classifier in eval mode, names of the classes, ModelConfig) of a checkpoint.

    Raises
    ------
    ValueError
        If the file is damaged, or no checkpoint of this recipe.
    """
    about = load_checkpoint(path)[1].get("about", {})
    if about.get("recipe") != "image-recognition":
        raise ValueError(f"load: {path} is no checkpoint of `tinymm run image-recognition`")
    config = ModelConfig(**about["model"])
    model = build(config, np.random.default_rng(0))
    load_weights(path, model)
    return model.eval(), about["classes"], config


def probabilities(model, data, batch=100):
    """The probability of each class for each of some `LabelledImages`: float array (N, K)."""
    model.eval()
    starts = range(0, len(data), batch)

    def some(first, last):
        with no_grad():
            return [F.softmax(model(data.load(np.arange(start, min(start + batch, len(data))))), -1).data
                    for start in starts[first:last]]

    shares = parallel_for(len(starts), some, work=math.inf)
    return np.concatenate([p for share in shares for p in share])
