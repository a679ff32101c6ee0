r"""The article's running example: image → words, by an encoder-decoder (3.2.1) with attention fusion (3.1.1).

The text that is encoded is the causal prefix: the words already said. Position t therefore predicts word t+1
from the image and the words up to t, and training is the maximum likelihood of the true captions:

$$\mathcal L = -\sum_t \log p(w_{t+1} \mid w_{\le t}, \text{image}).$$
"""

import numpy as np

from .. import functional as F
from .. import nn
from ..autograd import no_grad

__all__ = ["Captioner", "caption_loss", "hide_words", "next_word"]


class Captioner(nn.Module):
    """Image → CNN regions; prefix → LSTM or Transformer features; attention between them → words.

    Parameters
    ----------
    image_encoder : Module
        images (B, C, H, W) → `Encoded`, sequence (B, N, Di), pooled (B, P).
    text_encoder : Module
        ids (B, T), context (B, P) → `Encoded`, sequence (B, T, Dt).
    fusion : Module
        (text, image) → `Fused`, features (B, T, D). It must be `causal`: position t predicts word t + 1, which it
        must not reach.
    vocabulary : int
        V, number of words.
    dropout : float
        Before the words are chosen.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If the fusion is not causal, or captions are not K for each image.

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

    def __init__(self, image_encoder, text_encoder, fusion, vocabulary, dropout=0.0, *, rng):
        if not getattr(fusion, "causal", False):
            raise ValueError(f"Captioner: the fusion must be causal, or a caption reaches its own prediction; "
                             f"got {type(fusion).__name__}")
        self.image_encoder = image_encoder
        self.text_encoder = text_encoder
        self.fusion = fusion
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.words = nn.Linear(fusion.width, vocabulary, rng=rng)

    def forward(self, images, ids):
        """images (B, C, H, W), ids (B·K, T) int, K captions for each image in turn,
        to logits (B·K, T, V) and weights (B·K, H, T, N)."""
        if len(ids) % len(images):
            raise ValueError(f"Captioner: captions must be as many as images, or K for each; "
                             f"got {len(ids)} for {len(images)} images")
        regions, pooled, _ = self.image_encoder(images)
        times = len(ids) // len(images)
        return self.decode((_repeated(regions, times), _repeated(pooled, times), None), ids)

    def decode(self, encoded, ids):
        """The same from images already encoded, one for each caption: what decoding repeats for every word."""
        regions, pooled, _ = encoded
        fused = self.fusion((self.text_encoder(ids, context=pooled).sequence, regions))
        return self.words(self.dropout(fused.features)), fused.weights


def _repeated(x, times):
    """Each row of x (B, ...) `times` times in turn: (B·times, ...)."""
    if times == 1:
        return x
    return F.reshape(F.broadcast_to(F.unsqueeze(x, 1), (len(x), times, *x.shape[1:])), (-1, *x.shape[1:]))


def caption_loss(captioner, images, ids, mask, shown=None, label_smoothing=0.0):
    r"""Mean negative log-likelihood per word of captions `ids` (B·K, T), the first word of which is given.

    Parameters
    ----------
    captioner : Captioner
    images : array (B, C, H, W)
    ids : int array (B·K, T)
        <bos> w₁ … <eos> and padding; K captions for each image in turn.
    mask : bool array (B·K, T)
        True where `ids` is no padding.
    shown : int array (B·K, T), optional
        The words the captioner is given, where they are not those it must say (word dropout, `hide_words`).
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
    shown = ids if shown is None else shown
    logits, _ = captioner(images, shown[:, :-1])                           # (B·K, T-1, V)
    said = mask[:, 1:]
    return F.cross_entropy(logits[said], ids[:, 1:][said], label_smoothing=label_smoothing)


def hide_words(ids, share, unknown, rng):
    """Word dropout: replace a share of the words, not <bos>, by the unknown word,
    so that the image must say what they said.

    Parameters
    ----------
    ids : int array (B, T)
    share : float
        The probability of each word to be hidden.
    unknown : int
        The word to show instead.
    rng : numpy.random.Generator

    Returns
    -------
    int array (B, T)

    References
    ----------
    Bowman et al. (2016), "Generating sentences from a continuous space", §3.1.

    Examples
    --------
    >>> import numpy as np
    >>> hide_words(np.array([[1, 7, 8, 9]]), 1.0, 3, np.random.default_rng(0))
    array([[1, 3, 3, 3]])
    """
    hidden = rng.random(ids.shape) < share
    hidden[:, 0] = False
    return np.where(hidden, unknown, ids)


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
        regions, pooled, _ = captioner.image_encoder(images)

    def step(prefixes, rows):
        with no_grad():
            logits, _ = captioner.decode((regions.data[rows], pooled.data[rows], None), prefixes)
            return F.log_softmax(logits.data[:, -1], -1)

    return step
