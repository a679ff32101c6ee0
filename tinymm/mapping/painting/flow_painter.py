r"""Text to picture along a flow: a reader of texts, and a U-Net that tells which way a picture in noise must go."""

from typing import NamedTuple

import numpy as np

from ... import functional as F
from ... import nn
from ...autograd import Tensor, no_grad
from ...encoders import TextRNN
from .flow import euler, flow_loss, guided, noise_levels, random_levels
from .picture_scale import PictureScale
from .sketch import Sketch
from .unet import UNet, noise_level_features

__all__ = ["FlowPainter", "TextCondition", "mean_pictures", "paint", "painter_loss"]


class TextCondition(NamedTuple):
    """What the field is told of some texts.

    Attributes
    ----------
    words : Tensor (B, T, D)
    pooled : Tensor (B, D)
    sketch : Tensor (B, C, S/4, S/4)
    mean : Tensor (B, 3, S, S)
        The sketch's x̄.
    mask : boolean array (B, T)
    """

    words: Tensor
    pooled: Tensor
    sketch: Tensor
    mean: Tensor
    mask: np.ndarray


HEADS = 4
SKETCHED = 2  # layers of the sketch
SHIFT = 3.0  # of noise levels: what a thing of ten pixels is, and where, is decided at σ between 0.5 and 0.95


class FlowPainter(nn.Module):
    r"""The field v(x, σ, text) of a rectified flow over pictures.

    With pictures scaled to mean 0 and variance 1, $\bar x(c)$ the mean picture of the sketch, and $d_\sigma =
    (1-\sigma)^2 + \sigma^2$,

    $$ v(x, \sigma, c) = \frac{(2\sigma - 1)\,(x - (1 - \sigma)\,\bar x(c)) +
       \sqrt{d_\sigma}\; U(x / \sqrt{d_\sigma},\, \sigma,\, c)}{d_\sigma} - \bar x(c) $$

    Without U this is the field of the flow to $\mathcal N(\bar x(c), I)$ (`GaussianMixtureFlow` of one component): fog
    of the right colours at the right places. The U-Net U, which starts at 0, makes things of the fog; the sketch is its
    input too. All that it is asked for, at any σ, has variance 1 or less.

    Parameters
    ----------
    vocabulary : int
        V.
    size : int
        Of the pictures.
    widths : (int, int)
        Of the U-Net.
    width : int
        D of words and of the condition.
    scale : PictureScale
        Of the training pictures.
    rng : numpy.random.Generator

    Attributes
    ----------
    null_words : Parameter (1, 1, D)
    null_pooled : Parameter (1, D)
        What stands for a text where there is none. They are learned: an empty text would be a text.

    References
    ----------
    Karras et al. (2022), Elucidating the design space of diffusion-based generative models, table 1 and appendix B.6
    (the scaling, there for another path and without a mean); Ho & Salimans (2022) (the null condition).

    Examples
    --------
    >>> painter = FlowPainter(10, 8, (8, 16), width=8, rng=np.random.default_rng(0))
    >>> text = painter.read(np.array([[4, 5, 6]]), np.ones((1, 3), bool))
    >>> painter(np.ones((1, 3, 8, 8), np.float32), np.ones(1, np.float32), text).data[0, 0, 0, 0]   # at σ = 1, v = x
    np.float32(1.0)
    """

    def __init__(self, vocabulary, size, widths, width=128, scale=None, *, rng):
        self.size = size
        self.reader = TextRNN(vocabulary, width, width, rng=rng)
        self.null_words = nn.init.normal_(nn.Parameter(np.empty((1, 1, width), np.float32)), rng=rng)
        self.null_pooled = nn.init.normal_(nn.Parameter(np.empty((1, width), np.float32)), rng=rng)
        self.level1 = nn.Linear(width, width, rng=rng)
        self.level2 = nn.Linear(width, width, rng=rng)
        self.pooled = nn.Linear(width, width, rng=rng)
        self.sketch = Sketch(widths[1], width, HEADS, SKETCHED, side=size // 4, patch=4, rng=rng)
        self.net = UNet(widths, size, width, width, HEADS, rng=rng)
        self.scale = PictureScale() if scale is None else scale

    def read(self, ids, mask, dropped=None):
        """Texts ids (B, T), mask (B, T) to a `TextCondition`; where `dropped` (B,) is True, to that of no text."""
        words, pooled, mask = self.reader(ids, mask)
        if dropped is not None and dropped.any():
            words = F.where(dropped[:, None, None], self.null_words, words)
            pooled = F.where(dropped[:, None], self.null_pooled, pooled)
            mask = mask | dropped[:, None]
        return self._condition(words, pooled, mask)

    def no_text(self, n):
        """The `TextCondition` of n pictures of which nothing is said."""
        words = F.broadcast_to(self.null_words, (n, 1, self.reader.width))
        pooled = F.broadcast_to(self.null_pooled, (n, self.reader.width))
        return self._condition(words, pooled, np.ones((n, 1), bool))

    def _condition(self, words, pooled, mask):
        sketch = self.sketch(words, mask)
        return TextCondition(words, pooled, sketch, self.sketch.mean_picture(sketch), mask)

    def forward(self, x, sigma, text):
        """x (B, 3, S, S) at noise levels sigma (B,), text a `TextCondition`, to v (B, 3, S, S)."""
        level = noise_level_features(sigma, self.reader.width)
        condition = F.silu(self.level2(F.silu(self.level1(level))) + self.pooled(text.pooled))
        s = np.asarray(sigma, x.dtype)[:, None, None, None]
        d = (1 - s) ** 2 + s ** 2
        u = self.net(x / np.sqrt(d), condition, text.sketch, text.words, text.mask)
        return ((2 * s - 1) * (x - (1 - s) * text.mean) + np.sqrt(d) * u) / d - text.mean


def painter_loss(painter, images, ids, mask, dropout, rng):
    r"""The flow's loss of pictures and their texts, some of which are left out; and that of their sketches.

    $$ \mathcal L = \lVert v(x_\sigma, \sigma, c) - (\varepsilon - x) \rVert^2 + \lVert \bar x(c) - x \rVert^2 $$

    Parameters
    ----------
    painter : FlowPainter
    images : array (B, 3, S, S)
        In [0, 1].
    ids : int array (B, T)
    mask : bool array (B, T)
    dropout : float
        The share of texts that are replaced by none, so that the field without a text is learned too.
    rng : numpy.random.Generator

    Returns
    -------
    loss : Tensor ()
    numbers : dict of str to Tensor
        "flow" and "sketch", the two terms.
    """
    x = painter.scale.to_data(images)
    text = painter.read(ids, mask, rng.random(len(ids)) < dropout)
    sigma = random_levels(len(x), rng, SHIFT)
    noise = rng.standard_normal(x.shape, dtype=np.float32)
    of_flow = flow_loss(lambda x, sigma: painter(x, sigma, text), x, sigma, noise)
    of_sketch = F.mse_loss(text.mean, x)
    return of_flow + of_sketch, {"flow": of_flow, "sketch": of_sketch}


def paint(painter, ids, mask, rng, steps=20, guidance=1.0, path=False):
    """Paint a picture for each of some texts.

    Parameters
    ----------
    painter : FlowPainter
        In eval mode.
    ids : int array (B, T)
    mask : bool array (B, T)
    rng : numpy.random.Generator
        Draws the noise to start from.
    steps : int
    guidance : float
        1 samples what was learned, 0 leaves the texts out.
    path : bool
        Return the pictures of all levels, from noise on.

    Returns
    -------
    float32 array (B, 3, S, S) in [0, 1], or list of steps + 1 of them
    """
    noise = rng.standard_normal((len(ids), 3, painter.size, painter.size), dtype=np.float32)
    with no_grad():
        text, none = painter.read(ids, mask), painter.no_text(len(ids))
    field = guided(lambda x, sigma: painter(x, sigma, text), lambda x, sigma: painter(x, sigma, none), guidance)
    found = euler(field, noise, noise_levels(steps, SHIFT), path)
    return [painter.scale.to_images(x) for x in found] if path else painter.scale.to_images(found)


def mean_pictures(painter, ids, mask):
    """What the sketch of a painter says of texts ids (B, T), mask (B, T): float32 array (B, 3, S, S) in [0, 1]."""
    with no_grad():
        return painter.scale.to_images(painter.read(ids, mask).mean.data)
