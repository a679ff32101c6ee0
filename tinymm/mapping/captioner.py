r"""The article's running example: image → words, by an encoder-decoder (3.2.1) with attention fusion (3.1.1).

The text that is encoded is the causal prefix: the words already said. Position t therefore predicts word t+1
from the image and the words up to t, and training is the maximum likelihood of the true captions:

$$\mathcal L = -\sum_t \log p(w_{t+1} \mid w_{\le t}, \text{image}).$$
"""

from .. import functional as F
from .. import nn
from ..autograd import no_grad

__all__ = ["Captioner", "caption_loss", "next_word"]


class Captioner(nn.Module):
    """Image → CNN regions; prefix → LSTM or Transformer features; attention between them → words.

    Parameters
    ----------
    image_encoder : Module
        images (B, C, H, W) → regions (B, N, Di), pooled (B, P).
    text_encoder : Module
        ids (B, T), pooled → features (B, T, Dt).
    fusion : Module
        text, image → fused (B, T, D), weights (B, H, T, N).
    vocabulary : int
        V, number of words.
    rng : numpy.random.Generator

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> captioner = Captioner(tm.encoders.ConvEncoder(((8,), (16,)), 8, glance=1, rng=rng),
    ...                       tm.encoders.CausalLSTM(10, 12, context=16, rng=rng),
    ...                       tm.fusion.AttentionFusion(12, 16, 8, rng=rng), 10, rng=rng)
    >>> logits, weights = captioner(np.zeros((2, 3, 8, 8), np.float32), np.array([[1, 4, 5], [1, 6, 2]]))
    >>> logits.shape, weights.shape
    ((2, 3, 10), (2, 1, 3, 16))
    """

    def __init__(self, image_encoder, text_encoder, fusion, vocabulary, *, rng):
        self.image_encoder = image_encoder
        self.text_encoder = text_encoder
        self.fusion = fusion
        self.decoder = nn.Linear(fusion.width, vocabulary, rng=rng)

    def forward(self, images, ids):
        """images (B, C, H, W), ids (B, T) int to logits (B, T, V) and attention weights (B, H, T, N)."""
        return self.decode(self.image_encoder(images), ids)

    def decode(self, encoded, ids):
        """The same from images already encoded: what decoding repeats for every word."""
        regions, pooled = encoded
        fused, weights = self.fusion(self.text_encoder(ids, pooled), regions)
        return self.decoder(fused), weights


def caption_loss(captioner, images, ids, mask, label_smoothing=0.0):
    r"""Mean negative log-likelihood per word of captions `ids` (B, T), the first of which is given.

    Parameters
    ----------
    captioner : Captioner
    images : array (B, C, H, W)
    ids : int array (B, T)
        <bos> w₁ … <eos> and padding.
    mask : bool array (B, T)
        True where `ids` is no padding.
    label_smoothing : float

    Returns
    -------
    Tensor ()

    Examples
    --------
    >>> import numpy as np
    >>> class Uniform:
    ...     def __call__(self, images, ids):
    ...         return np.zeros((*ids.shape, 4)), None
    >>> loss = caption_loss(Uniform(), None, np.array([[1, 3, 2, 0]]), np.array([[True, True, True, False]]))
    >>> round(float(loss / np.log(4)), 6)
    1.0
    """
    logits, _ = captioner(images, ids[:, :-1])                           # (B, T-1, V)
    said = mask[:, 1:]
    return F.cross_entropy(logits[said], ids[:, 1:][said], label_smoothing=label_smoothing)


def next_word(captioner, images):
    """The function `step(prefixes, rows)` that decoding asks: log-probabilities of the word after each prefix.

    Parameters
    ----------
    captioner : Captioner
        In eval mode.
    images : array (B, C, H, W)
        Encoded once, here.

    Returns
    -------
    callable
        prefixes (n, t) int, rows (n,) int → float array (n, V).

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> captioner = Captioner(tm.encoders.ConvEncoder(((8,), (16,)), 8, glance=1, rng=rng),
    ...                       tm.encoders.CausalLSTM(10, 12, context=16, rng=rng),
    ...                       tm.fusion.AttentionFusion(12, 16, 8, rng=rng), 10, rng=rng).eval()
    >>> step = next_word(captioner, np.zeros((2, 3, 8, 8), np.float32))
    >>> log_p = step(np.array([[1, 4], [1, 5], [1, 6]]), np.array([0, 0, 1]))
    >>> log_p.shape, np.exp(log_p).sum(-1).round(4)
    ((3, 10), array([1., 1., 1.], dtype=float32))
    """
    if captioner.training:
        raise ValueError("next_word: the captioner must be in eval mode; call .eval() first")
    with no_grad():
        regions, pooled = captioner.image_encoder(images)

    def step(prefixes, rows):
        with no_grad():
            logits, _ = captioner.decode((regions.data[rows], pooled.data[rows]), prefixes)
            return F.log_softmax(logits.data[:, -1], -1)

    return step
