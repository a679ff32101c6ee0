r"""The article's running example: image → words, by an encoder-decoder (3.2.1) with attention fusion (3.1.1).

The text that is encoded is the causal prefix: the words already said. Position t therefore predicts word t+1
from the image and the words up to t, and training is the maximum likelihood of the true captions:

$$\mathcal L = -\sum_t \log p(w_{t+1} \mid w_{\le t}, \text{image}).$$
"""

import numpy as np

from .. import functional as F
from ..encoders.encoded import repeated
from ..fusion import Look, look_loss
from .encoder_decoder import sequence_loss
from .fusion_decoder import FusionDecoder

__all__ = ["Captioner", "caption_loss", "hide_words"]


class Captioner(FusionDecoder):
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
    ...                       tm.fusion.AttentionFusion({"text": 12, "image": 16}, 8, rng=rng), 10, rng=rng)
    >>> logits, weights = captioner(np.zeros((2, 3, 8, 8), np.float32), np.array([[1, 4, 5], [1, 6, 2]]))
    >>> logits.shape, weights.shape
    ((2, 3, 10), (2, 1, 3, 16))
    """

    def __init__(self, image_encoder, text_encoder, fusion, vocabulary, dropout=0.0, *, rng):
        self.image_encoder = image_encoder
        super().__init__(text_encoder, fusion, vocabulary, dropout, rng=rng)

    def forward(self, images, ids):
        """images (B, C, H, W), ids (B·K, T) int, K captions for each image in turn,
        to logits (B·K, T, V) and weights (B·K, H, T, N)."""
        if len(ids) % len(images):
            raise ValueError(f"Captioner: captions must be as many as images, or K for each; "
                             f"got {len(ids)} for {len(images)} images")
        return self.decode(repeated(self.encode(images), len(ids) // len(images)), ids)

    def encode(self, images, mask=None):
        """images (B, C, H, W) to `Encoded`; the mask lies over the final grid."""
        return self.image_encoder(images, mask)


def caption_loss(captioner, images, ids, mask, shown=None, label_smoothing=0.0):
    r"""Mean negative log-likelihood per word of captions `ids` (B·K, T), the first word of which is given.

    With hard attention, whose draws have no gradient, REINFORCE joins it (`tinymm.fusion.look_loss`).

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
    logits, weights = captioner(images, shown[:, :-1])                     # (B·K, T-1, V)
    loss = sequence_loss(logits, ids, mask, label_smoothing)
    if isinstance(weights, Look):
        said, words = mask[:, 1:], ids[:, 1:]
        # where to look for a word is rewarded by its log-likelihood: no other word depends on it
        reward = -F.cross_entropy(logits.data[said], words[said], reduction="none")
        loss = loss + look_loss(weights, reward, said)
    return loss


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
