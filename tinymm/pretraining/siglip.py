r"""SigLIP: CLIP's two towers, each pair of the batch a question of its own; no class token, no causal mask.

The loss is `tinymm.mapping.contrastive.sigmoid_loss`. The picture is pooled by attention of a learned query, the text
at its last position, whatever stands there: texts are always padded to the length of the positions, without a mask.
"""

import numpy as np

from .. import functional as F
from .. import nn
from ..encoders.encoded import Encoded, checked_mask, zero_hidden
from ..mapping.contrastive import SigmoidScale, sigmoid_loss, unit
from .clip import checked_size, layer_names, pre_norm_layers

__all__ = ["AttentionPooling", "Siglip", "SiglipText", "SiglipVision", "siglip_names"]

EPS = 1e-6


class AttentionPooling(nn.Module):
    r"""A learned query asks the sequence: $a = \mathrm{MultiHead}(q, x, x)$, $y = a + \mathrm{FFN}(\mathrm{LN}\,a)$.

    Parameters
    ----------
    width, heads, feedforward : int
    rng : numpy.random.Generator

    References
    ----------
    Zhai et al. (2022), Scaling vision transformers, §2.2 (the "MAP" head), which SigLIP uses.

    Examples
    --------
    >>> pool = AttentionPooling(8, 2, 16, rng=np.random.default_rng(0))
    >>> pool(np.ones((3, 5, 8), np.float32)).shape
    (3, 8)
    """

    def __init__(self, width, heads, feedforward, *, rng):
        self.query = nn.Parameter(rng.normal(0, 1, (1, 1, width)).astype(np.float32))
        self.attention = nn.MultiheadAttention(width, heads, rng=rng)
        self.norm = nn.LayerNorm(width, EPS)
        self.linear1 = nn.Linear(width, feedforward, rng=rng)
        self.linear2 = nn.Linear(feedforward, width, rng=rng)

    def forward(self, x):
        """x (B, N, D) to (B, D)."""
        query = F.broadcast_to(self.query, (len(x), 1, x.shape[2]))
        a, _ = self.attention(query, x, x, need_weights=False)
        a = a + self.linear2(F.gelu(self.linear1(self.norm(a)), approximate="tanh"))
        return a[:, 0]


class SiglipVision(nn.Module):
    r"""Patches with a bias, a learned position each, pre-norm layers with a last norm, attention pooling.

    Parameters
    ----------
    width, layers, heads, patch, size, feedforward, rng
        As for `ClipVision`; GELU is the tanh approximation.

    References
    ----------
    Zhai et al. (2023), Sigmoid loss for language image pre-training, §4; the published models.

    Examples
    --------
    >>> tower = SiglipVision(8, layers=1, heads=2, patch=4, size=8, rng=np.random.default_rng(0))
    >>> tower(np.zeros((2, 3, 8, 8), np.float32)).pooled.shape
    (2, 8)
    """

    def __init__(self, width=64, layers=4, heads=4, patch=4, size=32, feedforward=None, *, rng):
        if size % patch:
            raise ValueError(f"SiglipVision: patch must divide the size of the pictures, {size}; got {patch}")
        self.size, self.grid, self.width, self.pooled_width = size, (size // patch,) * 2, width, width
        feedforward = feedforward or 4 * width
        self.patches = nn.Conv2d(3, width, patch, patch, rng=rng)
        n = self.grid[0] * self.grid[1]
        self.positions = nn.Parameter(rng.normal(0, width**-0.5, (n, width)).astype(np.float32))
        self.layers = pre_norm_layers(width, layers, heads, feedforward, "gelu_tanh", EPS, rng)
        self.norm = nn.LayerNorm(width, EPS)
        self.pool = AttentionPooling(width, heads, feedforward, rng=rng)

    def forward(self, images, mask=None):
        """images (B, 3, H, W), mask (B, N) over patches, for whoever reads the sequence, to `Encoded`."""
        checked_size("SiglipVision", images, self.size)
        mask = checked_mask("SiglipVision", mask, (len(images), self.grid[0] * self.grid[1]))
        x = F.transpose(F.flatten(self.patches(images), 2), 1, 2)        # (B, N, D)
        y = self.norm(self.layers(x + self.positions))
        return Encoded(zero_hidden(y, mask), self.pool(y), mask)


class SiglipText(nn.Module):
    r"""A Transformer in which every word sees every other, pooled by a linear map of the last position.

    Parameters
    ----------
    vocabulary, width, layers, heads, positions, feedforward, rng
        As for `ClipText`. Every text must have just as many numbers as there are positions.

    Raises
    ------
    ValueError
        If texts have another length: the vector is that of the last position, so they would mean something else.

    Examples
    --------
    >>> tower = SiglipText(10, 8, layers=1, heads=2, positions=4, rng=np.random.default_rng(0))
    >>> tower(np.array([[5, 6, 2, 0]])).pooled.shape
    (1, 8)
    """

    def __init__(self, vocabulary, width=64, layers=2, heads=4, positions=64, feedforward=None, *, rng):
        self.width = self.pooled_width = width
        self.words = nn.Embedding(vocabulary, width, rng=rng)
        nn.init.normal_(self.words.weight, std=width**-0.5, rng=rng)
        self.positions = nn.Parameter(rng.normal(0, width**-0.5, (positions, width)).astype(np.float32))
        self.layers = pre_norm_layers(width, layers, heads, feedforward or 4 * width, "gelu_tanh", EPS, rng)
        self.norm = nn.LayerNorm(width, EPS)
        self.head = nn.Linear(width, width, rng=rng)

    def forward(self, ids, mask=None):
        """ids (B, T) int to `Encoded`; the mask (B, T) is for whoever reads the sequence."""
        mask = checked_mask("SiglipText", mask, ids.shape)
        if ids.shape[1] != self.positions.shape[0]:
            raise ValueError(f"SiglipText: texts must be padded to {self.positions.shape[0]} numbers; "
                             f"got {ids.shape[1]}")
        h = self.norm(self.layers(self.words(ids) + self.positions))
        return Encoded(zero_hidden(h, mask), self.head(h[:, -1]), mask)


class Siglip(nn.Module):
    r"""Two towers whose pooled vectors are compared as they are: there are no further maps.

    Parameters
    ----------
    vision, text : Module
        Towers with pooled vectors of one width.

    Attributes
    ----------
    scale : SigmoidScale
        Call its `clamp_` after each step.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = Siglip(SiglipVision(8, 1, 2, 4, 8, rng=rng), SiglipText(10, 8, 1, 2, positions=3, rng=rng))
    >>> x, y = model(np.zeros((2, 3, 8, 8), np.float32), np.array([[1, 5, 2], [1, 6, 2]]))
    >>> x.shape, y.shape
    ((2, 8), (2, 8))
    """

    def __init__(self, vision, text):
        if vision.pooled_width != text.pooled_width:
            raise ValueError("Siglip: the towers must have pooled vectors of one width; "
                             f"got {vision.pooled_width} and {text.pooled_width}")
        self.vision, self.text = vision, text
        self.scale = SigmoidScale()

    def forward(self, images, ids):
        """Pictures (B, 3, H, W) and texts (N, T) to unit vectors (B, D) and (N, D)."""
        return self.images(images), self.texts(ids)

    def images(self, images):
        """Pictures (B, 3, H, W) to unit vectors (B, D)."""
        return unit(self.vision(images).pooled)

    def texts(self, ids):
        """Texts (N, T) to unit vectors (N, D)."""
        return unit(self.text(ids).pooled)

    def loss(self, images, ids, targets=None):
        """`sigmoid_loss` of a batch; targets (B, B) are True where a caption is right for a picture."""
        return sigmoid_loss(*self(images, ids), *self.scale(), targets)


def siglip_names(vision_layers, text_layers):
    """The parameters of `Siglip` under the names of the published checkpoints.

    Parameters
    ----------
    vision_layers, text_layers : int

    Returns
    -------
    dict of str to tuple of str

    Examples
    --------
    >>> siglip_names(1, 1)["vision.pool.query"]
    ('vision_model.head.probe',)
    """
    pool = "vision_model.head"
    names = {"scale.log_scale": "logit_scale", "scale.bias": "logit_bias",
             "vision.positions": "vision_model.embeddings.position_embedding.weight",
             "vision.pool.query": f"{pool}.probe",
             "text.words.weight": "text_model.embeddings.token_embedding.weight",
             "text.positions": "text_model.embeddings.position_embedding.weight"}
    for kind in ("weight", "bias"):
        names |= {f"vision.patches.{kind}": f"vision_model.embeddings.patch_embedding.{kind}",
                  f"vision.norm.{kind}": f"vision_model.post_layernorm.{kind}",
                  f"vision.pool.attention.in_proj_{kind}": f"{pool}.attention.in_proj_{kind}",
                  f"vision.pool.attention.out_proj.{kind}": f"{pool}.attention.out_proj.{kind}",
                  f"vision.pool.norm.{kind}": f"{pool}.layernorm.{kind}",
                  f"vision.pool.linear1.{kind}": f"{pool}.mlp.fc1.{kind}",
                  f"vision.pool.linear2.{kind}": f"{pool}.mlp.fc2.{kind}",
                  f"text.norm.{kind}": f"text_model.final_layer_norm.{kind}",
                  f"text.head.{kind}": f"text_model.head.{kind}"}
    return {own: (public,) for own, public in names.items()} \
        | layer_names("vision.layers", "vision_model", vision_layers) \
        | layer_names("text.layers", "text_model", text_layers)
