r"""Text to picture word by word: one causal Transformer over a text and the codes of a picture.

The sequence is $t_1 \dots t_T\, i_1 \dots i_N$: a text, filled up to T positions, then the codes of the picture, row by
row. Each position predicts the next, the last of the text the first code:

$$ \mathcal L = \tfrac18 \bigl(L_{\text{text}} + 7\, L_{\text{image}}\bigr), \qquad
   L_{\text{text}} = -\tfrac1{T-1} \sum_{j<T} \log p(t_{j+1} \mid t_{\le j}), \quad
   L_{\text{image}} = -\tfrac1N \sum_n \log p(i_n \mid t, i_{<n}). $$

A position of the text can be followed by words only, one of the picture by codes only: the other logits count as −∞,
which is to say that they are not computed.
"""

import numpy as np

from ... import functional as F
from ... import nn
from ...autograd import no_grad
from ...encoders.text.states import TransformerState
from ...nn.attention.cache import unchanged_on_error

__all__ = ["TokenPainter", "next_code", "paint_tokens", "token_loss"]

PAD = 0  # what a tokenizer's `pad_batch` fills up with


class TokenPainter(nn.Module):
    """A causal Transformer over words and codes, and the codec that turns codes into a picture.

    Parameters
    ----------
    vocabulary : int
        V, number of words.
    length : int
        T, positions of a text. Where a text has ended each position has a padding word of its own, V, …, V + T − 1; a
        text of padding alone is no text.
    codec : PictureCodec
    width, layers, heads : int
    dropout : float
    rng : numpy.random.Generator

    References
    ----------
    Ramesh et al. (2021), Zero-shot text-to-image generation, §2.2 and appendix B.

    Examples
    --------
    >>> from tinymm.mapping import PictureCodec
    >>> rng = np.random.default_rng(0)
    >>> painter = TokenPainter(10, 5, PictureCodec(8, 16, (8, 8), 4, rng=rng), width=8, layers=1, heads=2, rng=rng)
    >>> text, image = painter(np.array([[1, 4, 2]]), np.array([[3, 0, 15, 7]]))
    >>> text.shape, image.shape
    ((1, 4, 15), (1, 4, 16))
    """

    def __init__(self, vocabulary, length, codec, width=128, layers=4, heads=4, dropout=0.0, *, rng):
        self.vocabulary, self.length, self.codec, self.width = vocabulary, length, codec, width
        codes, places = len(codec.book.codes), codec.side ** 2
        self.word_vectors = nn.Embedding(vocabulary + length, width, rng=rng)
        self.code_vectors = nn.Embedding(codes, width, rng=rng)
        for table in (self.word_vectors, self.code_vectors):
            nn.init.normal_(table.weight, std=0.02, rng=rng)
        self.positions = nn.LearnedPositionalEncoding(length + places, width, rng=rng)
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.layers = nn.TransformerEncoder(
            [nn.TransformerEncoderLayer(width, heads, 4 * width, dropout, "gelu", norm_first=True, rng=rng)
             for _ in range(layers)],
            nn.LayerNorm(width))
        self.next_word = nn.Linear(width, vocabulary + length, rng=rng)
        self.next_code = nn.Linear(width, codes, rng=rng)

    def padded(self, ids, dropped=None):
        """Texts (B, t), t ≤ T, filled up with 0, to words (B, T) with padding of their own; all of it where `dropped`.

        Raises
        ------
        ValueError
            If a text is longer than T.
        """
        if ids.shape[1] > self.length:
            raise ValueError(f"TokenPainter: a text must have at most {self.length} words; got {ids.shape[1]}")
        padding = self.vocabulary + np.arange(self.length)
        words = np.zeros((len(ids), self.length), int)
        words[:, :ids.shape[1]] = ids
        if dropped is not None:
            words[dropped] = PAD
        return np.where(words == PAD, padding, words)

    def forward(self, ids, codes, dropped=None):
        """Texts (B, t) and codes (B, N) to what each position says of the next.

        Returns
        -------
        text : Tensor (B, T − 1, V + T)
            Logits of the words after the first.
        image : Tensor (B, N, K)
            Logits of the codes.
        """
        words = self.word_vectors(self.padded(ids, dropped))                             # (B, T, D)
        x = F.concatenate([words, self.code_vectors(codes[:, :-1])], 1)                  # (B, T + N − 1, D)
        h = self.layers(self.dropout(self.positions(x)), is_causal=True)
        return self.next_word(h[:, :self.length - 1]), self.next_code(h[:, self.length - 1:])

    def read_on(self, x, state):
        """Vectors (B, t, D) of the next positions, after those that a `TransformerState` keeps, to logits (B, K) of the
        code that follows the last. A call that fails leaves the state as it was."""
        with unchanged_on_error([state, state.caches]):
            x = self.positions(x, offset=state.length)
            state.add(x.shape[:2], None, None)
            h = self.layers(self.dropout(x), is_causal=True, cache=state.caches)
        return self.next_code(h[:, -1])


def token_loss(painter, ids, codes, dropout, rng):
    """(L_text + 7 L_image)/8 of texts (B, t) and codes (B, N), a share of the texts replaced by none.

    Returns
    -------
    loss : Tensor ()
    numbers : dict of str to Tensor
        "text" and "image", the two parts.
    """
    dropped = rng.random(len(ids)) < dropout
    text, image = painter(ids, codes, dropped)
    said = painter.padded(ids, dropped)[:, 1:]
    of_text = F.cross_entropy(text.reshape(-1, text.shape[-1]), said.ravel())
    of_image = F.cross_entropy(image.reshape(-1, image.shape[-1]), codes.ravel())
    return (of_text + 7 * of_image) / 8, {"text": of_text, "image": of_image}


def next_code(painter, ids, guidance=1.0):
    r"""The function `step(words, rows, state)` that decoding asks for the log-probabilities of the next code.

    With guidance s the logits are $u + s\,(c - u)$, u those without the text; at s = 1 they are not asked for.

    Parameters
    ----------
    painter : TokenPainter
        In eval mode.
    ids : int array (B, t)
        Texts. The first "word" that decoding passes stands for all of a text.
    guidance : float

    Returns
    -------
    callable

    Raises
    ------
    ValueError
        If the painter is in training mode.
    """
    if painter.training:
        raise ValueError("next_code: the painter must be in eval mode; call .eval() first")
    texts = [painter.padded(ids)]
    if guidance != 1:
        texts.append(painter.padded(ids, np.ones(len(ids), bool)))

    def step(words, rows, states):
        with no_grad():
            if states is None:
                states = [TransformerState(len(painter.layers.layers)) for _ in texts]
                vectors = [painter.word_vectors(text[rows]) for text in texts]
            else:
                for state in states:
                    state.select(rows)
                vectors = [painter.code_vectors(words[:, None])] * len(texts)
            logits = [painter.read_on(x, state).data for x, state in zip(vectors, states, strict=True)]
            c, u = logits[0], logits[-1]
            return F.log_softmax(c if guidance == 1 else u + guidance * (c - u), -1), states

    return step


def paint_tokens(painter, ids, choose, guidance=1.0):
    """Paint a picture for each of some texts, code by code.

    Parameters
    ----------
    painter : TokenPainter
        In eval mode.
    ids : int array (B, t)
    choose : callable
        ``choose(step, batch, bos, eos, max_length)`` → codes, list of list of int: `greedy`, or `sample` with its
        Generator.
    guidance : float

    Returns
    -------
    images : float32 array (B, 3, S, S)
        In [0, 1].
    codes : int array (B, N)
    """
    places = painter.codec.side ** 2
    never = -1                                                           # no code closes a picture
    codes = np.array(choose(next_code(painter, ids, guidance), len(ids), 0, never, places))
    with no_grad():
        x = painter.codec.decode(painter.codec.book.codes[codes])
    return painter.codec.scale.to_images(np.asarray(getattr(x, "data", x))), codes
