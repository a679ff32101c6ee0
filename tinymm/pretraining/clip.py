r"""CLIP: a picture and its caption become two vectors, near for a pair and far for everything else.

$$ x = \frac{W_v\, v_{\mathrm{class}}}{\lVert\cdot\rVert}, \quad y = \frac{W_t\, h_{\mathrm{end}}}{\lVert\cdot\rVert},
\qquad \mathcal L = \tfrac12 \big(\mathrm{CE}_{\text{rows}} + \mathrm{CE}_{\text{columns}}\big)(s\, X Y^\top),
\quad s = e^{\text{log\_scale}} $$

The objective is symmetric: each picture must find its caption, and each caption its picture. The losses are
`tinymm.mapping.contrastive`; SigLIP, which asks each pair by itself, is `siglip.py`.
"""

import numpy as np

from .. import functional as F
from .. import nn
from ..data.texts.tokenizer import EOS
from ..encoders.encoded import Encoded, checked_mask, zero_hidden
from ..encoders.image import ResidualBlock
from ..mapping.contrastive import Temperature, info_nce, unit

__all__ = ["Clip", "ClipResNet", "ClipText", "ClipVision", "EndToken", "clip_names"]

EPS = 1e-5


class ClipVision(nn.Module):
    r"""CLIP's Vision Transformer: patches and a class token, a norm before the layers, pooled at the class token.

    $$ z = \mathrm{LN}_{\text{pre}}([c;\, E x_1; \dots; E x_N] + p), \qquad y = \mathrm{Layers}(z), \qquad
       \text{pooled} = \mathrm{LN}_{\text{post}}(y_0) $$

    The sequence, $y_1, \dots, y_N$, is taken before the last norm, as in the published models.

    Parameters
    ----------
    width, layers, heads : int
        D, L, H; the feed-forward networks are 4 D wide, with QuickGELU.
    patch, size : int
        Side of a patch, and of the pictures; one divides the other.
    feedforward : int, optional
    rng : numpy.random.Generator
        Draws the class token and positions from N(0, 1/D); the rest as its layers do.

    References
    ----------
    Radford et al. (2021), Learning transferable visual models from natural language supervision, §2.4.

    Examples
    --------
    >>> tower = ClipVision(8, layers=1, heads=2, patch=4, size=8, rng=np.random.default_rng(0))
    >>> encoded = tower(np.zeros((2, 3, 8, 8), np.float32))
    >>> encoded.sequence.shape, encoded.pooled.shape
    ((2, 4, 8), (2, 8))
    """

    def __init__(self, width=64, layers=4, heads=4, patch=4, size=32, feedforward=None, *, rng):
        if size % patch:
            raise ValueError(f"ClipVision: patch must divide the size of the pictures, {size}; got {patch}")
        self.size, self.grid, self.width, self.pooled_width = size, (size // patch,) * 2, width, width
        self.patches = nn.Conv2d(3, width, patch, patch, bias=False, rng=rng)
        self.class_token = nn.Parameter(rng.normal(0, width**-0.5, width).astype(np.float32))
        n = self.grid[0] * self.grid[1]
        self.positions = nn.Parameter(rng.normal(0, width**-0.5, (n + 1, width)).astype(np.float32))
        self.norm_before = nn.LayerNorm(width, EPS)
        self.layers = pre_norm_layers(width, layers, heads, feedforward or 4 * width, "quick_gelu", EPS, rng)
        self.norm_after = nn.LayerNorm(width, EPS)

    def forward(self, images, mask=None):
        """images (B, 3, H, W), mask (B, N) over patches, for whoever reads the sequence, to `Encoded`."""
        checked_size("ClipVision", images, self.size)
        mask = checked_mask("ClipVision", mask, (len(images), self.grid[0] * self.grid[1]))
        x = F.transpose(F.flatten(self.patches(images), 2), 1, 2)        # (B, N, D)
        token = F.broadcast_to(self.class_token, (len(x), 1, self.width))
        y = self.layers(self.norm_before(F.concatenate([token, x], 1) + self.positions))
        return Encoded(zero_hidden(y[:, 1:], mask), self.norm_after(y[:, 0]), mask)


class ClipResNet(nn.Module):
    r"""A convolutional tower, pooled by attention: the mean of the regions asks the regions.

    Parameters
    ----------
    encoder : Module
        Pictures to `Encoded`, such as `tinymm.encoders.ResidualEncoder`; its sequence is read.
    heads : int
    rng : numpy.random.Generator
        Draws the matrices of the attention from N(0, 1/D). What residual blocks add starts at 0: the gain of the last
        normalisation of each `tinymm.encoders.image.ResidualBlock` does.

    References
    ----------
    Radford et al. (2021), §2.4: the last mean over positions becomes one attention layer, whose query is that mean; and
    the authors' code (the starting values).

    Examples
    --------
    >>> import tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> tower = ClipResNet(tm.encoders.ResidualEncoder((4, 8), 1, 8, rng=rng), heads=2, rng=rng)
    >>> tower(np.zeros((2, 3, 8, 8), np.float32)).pooled.shape
    (2, 8)
    """

    def __init__(self, encoder, heads=4, *, rng):
        self.encoder = encoder
        self.grid, self.width, self.pooled_width = encoder.grid, encoder.width, encoder.width
        self.attention = nn.MultiheadAttention(encoder.width, heads, rng=rng)
        for weight in (self.attention.in_proj_weight, self.attention.out_proj.weight):
            nn.init.normal_(weight, std=encoder.width**-0.5, rng=rng)
        for block in encoder.modules():
            if isinstance(block, ResidualBlock):
                block.bn2.weight.data[...] = 0

    def forward(self, images, mask=None):
        """images (B, 3, H, W), mask (B, N) over regions, to `Encoded`."""
        found = self.encoder(images, mask)
        x = found.sequence                                               # (B, N, D), zero where hidden
        n = x.shape[1] if mask is None else np.maximum(mask.sum(1), 1).astype(x.dtype)[:, None, None]
        mean = F.sum(x, 1, keepdims=True) / n                            # (B, 1, D)
        mask = None if mask is None else np.concatenate([np.ones((len(x), 1), bool), mask], 1)
        memory = F.concatenate([mean, x], 1)
        pooled, _ = self.attention(mean, memory, memory, key_padding_mask=mask, need_weights=False)
        return Encoded(x, pooled[:, 0], found.mask)


class ClipText(nn.Module):
    r"""CLIP's text tower: a causal pre-norm Transformer, pooled where the text ends.

    $$ h = \mathrm{LN}\big(\mathrm{Layers}(E_{w_t} + P_t)\big), \qquad \text{pooled} = h_{t^*}, \quad
       t^* = \text{the first place of the end token} $$

    It is causal so that a language model could start it; only at the end has it read the whole text. What stands after
    the end has no influence on it, so padding needs no mask.

    Parameters
    ----------
    vocabulary, width, layers, heads : int
        V, D, L, H; the feed-forward networks are 4 D wide, with QuickGELU.
    positions : int
        How long a text may be, with its first and its end token; the published models' is 77.
    end : int
        The number of the end token.
    feedforward : int, optional
    rng : numpy.random.Generator
        Words from N(0, 0.02²), positions N(0, 0.01²); matrices into a layer from N(0, 1/D), out of one N(0, 1/(2 L D)),
        and the first of a feed-forward network N(0, 1/(2 D)).

    Raises
    ------
    ValueError
        If a text has no end token, or is longer than there are positions.

    References
    ----------
    Radford et al. (2021), §2.4, and the authors' code (the starting values).

    Examples
    --------
    >>> tower = ClipText(10, 8, layers=1, heads=2, positions=6, rng=np.random.default_rng(0))
    >>> encoded = tower(np.array([[1, 5, 6, 2], [1, 5, 2, 0]]))
    >>> encoded.sequence.shape, encoded.pooled.shape
    ((2, 4, 8), (2, 8))
    """

    def __init__(self, vocabulary, width=64, layers=2, heads=4, positions=32, end=EOS, feedforward=None, *, rng):
        self.width = self.pooled_width = width
        self.pool = EndToken(end)
        self.words = nn.Embedding(vocabulary, width, rng=rng)
        self.positions = nn.Parameter(rng.normal(0, 0.01, (positions, width)).astype(np.float32))
        self.layers = pre_norm_layers(width, layers, heads, feedforward or 4 * width, "quick_gelu", EPS, rng)
        self.norm = nn.LayerNorm(width, EPS)
        self._start(layers, rng)

    def _start(self, layers, rng):
        width = self.width
        nn.init.normal_(self.words.weight, std=0.02, rng=rng)
        for layer in self.layers.layers:
            for weight, std in ((layer.self_attn.in_proj_weight, width**-0.5),
                                (layer.self_attn.out_proj.weight, (2 * layers * width)**-0.5),
                                (layer.linear1.weight, (2 * width)**-0.5),
                                (layer.linear2.weight, (2 * layers * width)**-0.5)):
                nn.init.normal_(weight, std=std, rng=rng)

    def forward(self, ids, mask=None):
        """ids (B, T) int to `Encoded`: a feature per word (B, T, D), each of the words up to it, and that of the end.

        The mask (B, T) is for whoever reads the sequence.
        """
        mask = checked_mask("ClipText", mask, ids.shape)
        longest = self.positions.shape[0]
        if ids.shape[1] > longest:
            raise ValueError(f"ClipText: a text may have {longest} words, one for each position; got {ids.shape[1]}")
        h = self.norm(self.layers(self.words(ids) + self.positions[:ids.shape[1]], is_causal=True))
        return Encoded(zero_hidden(h, mask), self.pool(h, ids), mask)


class EndToken(nn.Module):
    """Pool a causal text at its first end token.

    Parameters
    ----------
    end : int

    Examples
    --------
    >>> h = np.arange(6.0).reshape(1, 3, 2)
    >>> EndToken(2)(h, np.array([[1, 2, 0]]))
    array([[2., 3.]])
    """

    def __init__(self, end):
        self.end = end

    def forward(self, h, ids):
        """h (B, T, D), ids (B, T) to (B, D)."""
        found = ids == self.end
        if not found.any(1).all():
            raise ValueError(f"EndToken: each text must hold the end token, {self.end}; "
                             f"text {found.any(1).argmin()} does not")
        return h[np.arange(len(ids)), found.argmax(1)]


class Clip(nn.Module):
    r"""Two towers and the maps of their pooled vectors into one space.

    Parameters
    ----------
    vision, text : Module
        Towers: pictures, and word numbers, to `Encoded`.
    width : int
        Of the shared space.
    temperature : Module
        `tinymm.mapping.contrastive.Temperature`; call its `clamp_` after each step.
    rng : numpy.random.Generator
        The maps start from N(0, 1/D), D the tower's width.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = Clip(ClipVision(8, 1, 2, 4, 8, rng=rng), ClipText(10, 8, 1, 2, rng=rng), 4, rng=rng)
    >>> x, y = model(np.zeros((2, 3, 8, 8), np.float32), np.array([[1, 5, 2], [1, 6, 2]]))
    >>> x.shape, y.shape, np.linalg.norm(x.data, axis=1).round(3)
    ((2, 4), (2, 4), array([1., 1.], dtype=float32))
    """

    def __init__(self, vision, text, width, temperature=None, *, rng):
        self.vision, self.text = vision, text
        self.temperature = Temperature() if temperature is None else temperature
        self.image_projection = nn.Linear(vision.pooled_width, width, bias=False, rng=rng)
        self.text_projection = nn.Linear(text.pooled_width, width, bias=False, rng=rng)
        for projection in (self.image_projection, self.text_projection):
            nn.init.normal_(projection.weight, std=projection.weight.shape[1]**-0.5, rng=rng)

    def forward(self, images, ids):
        """Pictures (B, 3, H, W) and texts (N, T) to unit vectors (B, width) and (N, width)."""
        return self.images(images), self.texts(ids)

    def images(self, images):
        """Pictures (B, 3, H, W) to unit vectors (B, width)."""
        return unit(self.image_projection(self.vision(images).pooled))

    def texts(self, ids):
        """Texts (N, T) to unit vectors (N, width)."""
        return unit(self.text_projection(self.text(ids).pooled))

    def loss(self, images, ids, targets=None):
        """`info_nce` of a batch of pairs; targets (B, B) are True where a caption is right for a picture."""
        return info_nce(*self(images, ids), self.temperature(), targets)


# Shared with siglip.py --------------------------------------------------------------------------------------------


def pre_norm_layers(width, layers, heads, feedforward, activation, eps, rng):
    """A stack of pre-norm Transformer layers, without a norm at its end."""
    return nn.TransformerEncoder([
        nn.TransformerEncoderLayer(width, heads, feedforward, 0.0, activation, eps, norm_first=True, rng=rng)
        for _ in range(layers)])


def checked_size(name, images, size):
    """Refuse pictures of another size than the positions are for."""
    if images.shape[1:] != (3, size, size):
        raise ValueError(f"{name}: images must be (B, 3, {size}, {size}); got {images.shape}")


# The names of public checkpoints ----------------------------------------------------------------------------------

_LAYER = {"self_attn.out_proj": "self_attn.out_proj", "norm1": "layer_norm1", "linear1": "mlp.fc1",
          "linear2": "mlp.fc2", "norm2": "layer_norm2"}


def layer_names(own, public, layers):
    """Of a stack of layers, own names to public ones; query, key and value are stacked."""
    names = {}
    for i in range(layers):
        mine, theirs = f"{own}.layers.{i}", f"{public}.encoder.layers.{i}"
        for kind in ("weight", "bias"):
            names[f"{mine}.self_attn.in_proj_{kind}"] = tuple(
                f"{theirs}.self_attn.{part}_proj.{kind}" for part in "qkv")
            names |= {f"{mine}.{a}.{kind}": (f"{theirs}.{b}.{kind}",) for a, b in _LAYER.items()}
    return names


def clip_names(vision_layers, text_layers):
    """The parameters of `Clip` under the names of the published checkpoints.

    Parameters
    ----------
    vision_layers, text_layers : int

    Returns
    -------
    dict of str to tuple of str
        Own name to public ones; where there are several, they are stacked.

    Examples
    --------
    >>> clip_names(1, 1)["vision.norm_before.bias"]
    ('vision_model.pre_layrnorm.bias',)
    """
    names = {"temperature.log_scale": "logit_scale", "image_projection.weight": "visual_projection.weight",
             "text_projection.weight": "text_projection.weight",
             "vision.class_token": "vision_model.embeddings.class_embedding",
             "vision.patches.weight": "vision_model.embeddings.patch_embedding.weight",
             "vision.positions": "vision_model.embeddings.position_embedding.weight",
             "text.words.weight": "text_model.embeddings.token_embedding.weight",
             "text.positions": "text_model.embeddings.position_embedding.weight"}
    for kind in ("weight", "bias"):
        names |= {f"vision.norm_before.{kind}": f"vision_model.pre_layrnorm.{kind}",
                  f"vision.norm_after.{kind}": f"vision_model.post_layernorm.{kind}",
                  f"text.norm.{kind}": f"text_model.final_layer_norm.{kind}"}
    return {own: (public,) for own, public in names.items()} \
        | layer_names("vision.layers", "vision_model", vision_layers) \
        | layer_names("text.layers", "text_model", text_layers)
