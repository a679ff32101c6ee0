r"""The article's running example: image → words, by an encoder-decoder (3.2.1) with attention fusion (3.1.1).

The text that is encoded is the causal prefix: the words already said. Position t therefore predicts word t+1
from the image and the words up to t, and training is the maximum likelihood of the true captions:

$$\mathcal L = -\sum_t \log p(w_{t+1} \mid w_{\le t}, \text{image}).$$
"""

import numpy as np

from .. import functional as F
from .. import nn
from ..autograd import no_grad
from ..encoders import Encoded
from ..encoders.encoded import repeated
from ..fusion import Look, look_loss
from ..nn.attention.cache import unchanged_on_error

__all__ = ["CaptionState", "Captioner", "caption_loss", "hide_words", "next_word"]


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
    ...                       tm.fusion.AttentionFusion({"text": 12, "image": 16}, 8, rng=rng), 10, rng=rng)
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
        return self.decode(repeated(self.image_encoder(images), len(ids) // len(images)), ids)

    def decode(self, image, ids):
        """The same from images already encoded, `Encoded` with a row for each caption."""
        text = self.text_encoder(ids, context=image.pooled)
        fused = self.fusion((text.sequence, image.sequence), (None, image.mask))
        return self.words(self.dropout(fused.features)), fused.weights

    def new_state(self, image):
        """A `CaptionState` before the first word; image, `Encoded`, has a row for each caption."""
        cache = self.fusion.new_cache() if hasattr(self.fusion, "new_cache") else None
        return CaptionState(image, self.text_encoder.new_state(), cache)

    def read_on(self, ids, state):
        """The next words (B, t) of captions whose `CaptionState` keeps the earlier ones, to logits (B, t, V).

        A call that fails leaves the state as it was.
        """
        with unchanged_on_error([state, state.text, getattr(state.text, "caches", None), state.cache]):
            return self._read_on(ids, state)

    def _read_on(self, ids, state):
        context = None if state.text.length else state.image.pooled
        text = self.text_encoder(ids, context=context, state=state.text).sequence        # (B, t, Dt)
        masks = None, state.image.mask
        if state.cache is not None:
            features = self.fusion((text, state.image.sequence), masks, cache=state.cache).features
        else:
            if state.features is not None:
                text = F.concatenate([state.features, text], 1)
            state.features = text
            features = self.fusion((text, state.image.sequence), masks).features[:, -ids.shape[1]:]
        return self.words(self.dropout(features))


class CaptionState:
    """What a captioner keeps between the words of some captions, so that each word is read once.

    Attributes
    ----------
    image : Encoded
        A row for each caption.
    text : state of the text encoder
    cache : MemoryCache or None
        Of the fusion: a fusion with `new_cache` is given the new words only.
    features : Tensor (B, t, Dt) or None
        Of all words so far, for a fusion without: any causal one is right when it sees the whole prefix.
    """

    def __init__(self, image, text, cache):
        self.image, self.text, self.cache = image, text, cache
        self.features = None

    def select(self, rows):
        """Keep these captions, in this order: int array (B′,)."""
        if len(rows) == len(self.image.pooled) and (rows == np.arange(len(rows))).all():
            return                                                       # nothing closed, nothing to copy
        self.image = _selected(self.image, rows)
        self.text.select(rows)
        if self.cache is not None:
            self.cache.select(rows)
        if self.features is not None:
            self.features = self.features[rows]


def _selected(image, rows):
    """These rows of encoded images, in this order."""
    return Encoded(*(None if x is None else x[rows] for x in image))


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
    said, words = mask[:, 1:], ids[:, 1:]
    loss = F.cross_entropy(logits[said], words[said], label_smoothing=label_smoothing)
    if isinstance(weights, Look):
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


def next_word(captioner, images):
    """The function `step(words, rows, state)` that decoding asks for the log-probabilities of the next words.

    Its state is a `CaptionState`: each word is read once, each image is encoded and projected once.

    Parameters
    ----------
    captioner : Captioner
        In eval mode.
    images : array (B, C, H, W)
        Encoded once, here.

    Returns
    -------
    callable
        words (n,) int, rows (n,) int, state → float array (n, V) and the state, as `tinymm.mapping.decoding` says.

    Raises
    ------
    ValueError
        If the captioner is in training mode.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> captioner = Captioner(tm.encoders.ConvEncoder(((8,), (16,)), 8, glance=1, rng=rng),
    ...                       tm.encoders.CausalLSTM(10, 12, context=16, rng=rng),
    ...                       tm.fusion.AttentionFusion({"text": 12, "image": 16}, 8, rng=rng), 10, rng=rng).eval()
    >>> step = next_word(captioner, np.zeros((2, 3, 8, 8), np.float32))
    >>> log_p, state = step(np.array([1, 1]), np.array([0, 1]), None)           # what follows <bos>, for either image
    >>> log_p, state = step(np.array([4, 5, 6]), np.array([0, 0, 1]), state)    # the first goes on in two ways
    >>> log_p.shape, np.exp(log_p).sum(-1).round(4), state.text.length
    ((3, 10), array([1., 1., 1.], dtype=float32), 2)
    """
    if captioner.training:
        raise ValueError("next_word: the captioner must be in eval mode; call .eval() first")
    with no_grad():
        image = captioner.image_encoder(images)

    def step(words, rows, state):
        with no_grad():
            if state is None:
                state = captioner.new_state(_selected(image, rows))
            else:
                state.select(rows)
            logits = captioner.read_on(words[:, None], state)            # (n, 1, V)
            return F.log_softmax(logits.data[:, -1], -1), state

    return step
