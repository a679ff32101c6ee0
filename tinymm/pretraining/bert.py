r"""BERT: a Transformer that reads a text in both directions, and learns by filling in words that were hidden from it.

A text, or a pair of texts, is `[CLS] a [SEP] b [SEP]`; here <bos> stands for [CLS] and <eos> for [SEP]. Its two
objectives, added:

$$\mathcal L = -\frac1{|M|}\sum_{t \in M} \log p(w_t \mid \tilde w) \;-\; \log p(b \text{ is next} \mid \tilde w)$$

M are the places chosen for prediction, $\tilde w$ the text as it is shown, `tinymm.data.mask_tokens` (80 % of M are
hidden, 10 % replaced, 10 % left). BERT reads texts alone; what the article calls multimodal BERTs came after it
(VisualBERT, ViLT), and ViLBERT is `vilbert.py`.
"""

import numpy as np

from .. import functional as F
from .. import nn
from ..data.masking import UNCHOSEN
from ..encoders.encoded import Encoded, checked_mask, zero_hidden

__all__ = ["IS_NEXT", "NOT_NEXT", "Bert", "BertEmbeddings", "BertForPreTraining", "PredictionTransform", "bert_names",
           "masked_loss"]

EPS = 1e-12  # of the paper's layer norms
STD = 0.02  # of the paper's weights at the start
IS_NEXT, NOT_NEXT = 0, 1  # BERT's labels of a pair: 0 means that the second text follows the first


class BertEmbeddings(nn.Module):
    r"""Three tables, added and normed: $x_t = \mathrm{LN}(E_{w_t} + P_t + S_{s_t})$, word, place and segment.

    Parameters
    ----------
    vocabulary : int
        V.
    width : int
        D.
    positions : int
        How long a text may be.
    segments : int
        2: of a pair of texts, which of the two a word belongs to.
    dropout : float
    rng : numpy.random.Generator

    References
    ----------
    Devlin et al. (2019), BERT, §3 and figure 2.

    Examples
    --------
    >>> embeddings = BertEmbeddings(10, 8, positions=6, rng=np.random.default_rng(0))
    >>> embeddings(np.array([[1, 5, 2]])).shape
    (1, 3, 8)
    """

    def __init__(self, vocabulary, width, positions=512, segments=2, dropout=0.0, *, rng):
        self.words = nn.Embedding(vocabulary, width, rng=rng)
        self.positions = nn.Embedding(positions, width, rng=rng)
        self.segments = nn.Embedding(segments, width, rng=rng)
        self.norm = nn.LayerNorm(width, EPS)
        self.dropout = nn.Dropout(dropout, rng=rng)

    def forward(self, ids, segments=None):
        """ids (B, T) int, segments (B, T) int, 0 everywhere by default, to (B, T, D).

        Raises
        ------
        ValueError
            If a text is longer than there are positions.
        """
        return self.add(self.words(ids), segments)

    def add(self, words, segments=None):
        """Word vectors (B, T, D) with place and segment added, normed: (B, T, D)."""
        longest, (batch, length) = self.positions.weight.shape[0], words.shape[:2]
        if length > longest:
            raise ValueError(f"BertEmbeddings: a text may have {longest} words, one for each position; got {length}")
        segments = np.zeros((batch, length), int) if segments is None else segments
        places = np.arange(length)
        return self.dropout(self.norm(words + self.positions(places) + self.segments(segments)))


class Bert(nn.Module):
    r"""The encoder: embeddings, then post-norm Transformer layers, every word looking at every other.

    $$ y = \mathrm{Layer}_L(\dots \mathrm{Layer}_1(x)), \qquad p = \tanh(W y_{\mathrm{CLS}} + b) $$

    Parameters
    ----------
    vocabulary, width : int
        V, D.
    layers, heads : int
        L, H; the paper's base model has 12 and 12 at D = 768.
    feedforward : int, optional
        Hidden width of the layers; 4 D by default, as in the paper.
    positions : int
        How long a text may be.
    dropout : float
    rng : numpy.random.Generator
        All tables and matrices start from N(0, 0.02²), biases at 0.

    Attributes
    ----------
    width, pooled_width : int
        D.

    References
    ----------
    Devlin et al. (2019), BERT: pre-training of deep bidirectional transformers, §3.

    Examples
    --------
    >>> bert = Bert(10, 8, layers=2, heads=2, positions=6, rng=np.random.default_rng(0))
    >>> encoded = bert(np.array([[1, 5, 6, 2]]))
    >>> encoded.sequence.shape, encoded.pooled.shape
    ((1, 4, 8), (1, 8))
    """

    def __init__(self, vocabulary, width, layers=2, heads=4, feedforward=None, positions=64, dropout=0.0, *, rng):
        self.width = self.pooled_width = width
        self.embeddings = BertEmbeddings(vocabulary, width, positions, dropout=dropout, rng=rng)
        self.layers = nn.TransformerEncoder(
            [nn.TransformerEncoderLayer(width, heads, feedforward or 4 * width, dropout, "gelu", EPS, rng=rng)
             for _ in range(layers)])
        self.pooler = nn.Linear(width, width, rng=rng)
        start(self, rng)

    def forward(self, ids, mask=None, segments=None):
        """ids (B, T) int, mask (B, T), True where there is a word, segments (B, T) int, to `Encoded`:
        a feature per word (B, T, D), zero under padding, and what [CLS] has gathered (B, D)."""
        return self.read(self.embed(ids), mask, segments)

    def embed(self, ids):
        """Words (B, T) to their vectors (B, T, D)."""
        return self.embeddings.words(ids)

    def read(self, x, mask=None, segments=None):
        """Word vectors (B, T, D) to `Encoded`, as `forward` does with words."""
        mask = checked_mask("Bert", mask, x.shape[:2])
        y = self.layers(self.embeddings.add(x, segments), src_key_padding_mask=mask)
        return Encoded(zero_hidden(y, mask), F.tanh(self.pooler(y[:, 0])), mask)

    def stages(self):
        """Parameters from below: the embeddings, each layer, the pooler; for rates by layer (`layerwise_groups`)."""
        return [list(part.parameters()) for part in (self.embeddings, *self.layers.layers, self.pooler)]


class PredictionTransform(nn.Module):
    r"""What stands between a feature and the scores at its place: $\mathrm{LN}(\mathrm{GELU}(W y + b))$.

    Parameters
    ----------
    width : int
    rng : numpy.random.Generator

    Examples
    --------
    >>> PredictionTransform(8, rng=np.random.default_rng(0))(np.ones((2, 3, 8), np.float32)).shape
    (2, 3, 8)
    """

    def __init__(self, width, *, rng):
        self.linear = nn.Linear(width, width, rng=rng)
        self.norm = nn.LayerNorm(width, EPS)
        start(self, rng)

    def forward(self, y):
        """y (..., D) to the same shape."""
        return self.norm(F.gelu(self.linear(y)))


class BertForPreTraining(nn.Module):
    r"""BERT with its two questions: which word stood here, and does the second text follow the first?

    $$ \text{words: } E\,\mathrm{LN}(\mathrm{GELU}(W y_t + b)) + c, \qquad \text{next: } U p + d $$

    E is the table of word vectors that the text was read with: the decoder is *tied* to it, only its bias c is new.

    Parameters
    ----------
    bert : Bert
    rng : numpy.random.Generator

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = BertForPreTraining(Bert(10, 8, heads=2, rng=rng), rng=rng)
    >>> words, is_next = model(np.array([[1, 5, 6, 2]]))
    >>> words.shape, is_next.shape
    ((1, 4, 10), (1, 2))
    """

    def __init__(self, bert, *, rng):
        self.bert = bert
        self.transform = PredictionTransform(bert.width, rng=rng)
        self.bias = nn.Parameter(np.zeros(bert.embeddings.words.weight.shape[0], np.float32))
        self.next = nn.Linear(bert.width, 2, rng=rng)
        start(self.next, rng)

    def forward(self, ids, mask=None, segments=None):
        """As `Bert`, to the scores of every word at every place (B, T, V), and of is next and is not (B, 2)."""
        encoded = self.bert(ids, mask, segments)
        return self.words(encoded.sequence), self.next(encoded.pooled)

    def words(self, features):
        """Features (..., D) to scores of the words (..., V)."""
        return F.linear(self.transform(features), self.bert.embeddings.words.weight, self.bias)

    def loss(self, ids, labels, mask=None, segments=None, is_next=None):
        r"""The two objectives, added: what to predict at the chosen places, and what follows what.

        Parameters
        ----------
        ids : int array (B, T)
            The texts as they are shown.
        labels : int array (B, T)
            The word that stood at each chosen place, -100 at all others.
        mask : bool array (B, T), optional
        segments : int array (B, T), optional
        is_next : int array (B,), optional
            0 where the second text follows, 1 where it does not, -100 where there is none; without it the first
            objective stands alone, as in RoBERTa (Liu et al. 2019, §4.2).

        Returns
        -------
        Tensor ()

        Raises
        ------
        ValueError
            If no place is chosen.
        """
        encoded = self.bert(ids, mask, segments)
        loss = masked_loss("BertForPreTraining", self.words, encoded.sequence, labels)
        if is_next is None or (is_next == UNCHOSEN).all():
            return loss
        return loss + F.cross_entropy(self.next(encoded.pooled), is_next, ignore_index=UNCHOSEN)


def masked_loss(name, scores, features, labels):
    r"""$-\frac{1}{|M|} \sum_{t \in M} \log p(w_t)$ over the chosen places M; scores are computed there alone.

    Parameters
    ----------
    name : str
        Who asks, for the error.
    scores : callable
        Features (n, D) to scores (n, V).
    features : Tensor (B, T, D)
    labels : int array (B, T)
        -100 where nothing is asked.

    Returns
    -------
    Tensor ()

    Raises
    ------
    ValueError
        If no place is chosen.

    Examples
    --------
    >>> features = np.zeros((1, 3, 2), np.float32)
    >>> loss = masked_loss("Model", lambda x: np.zeros((len(x), 8)), features, np.array([[-100, 5, -100]]))
    >>> round(float(loss / np.log(8)), 6)
    1.0
    """
    chosen = labels != UNCHOSEN
    if not chosen.any():
        raise ValueError(f"{name}: at least one place must be chosen for prediction; got labels of {UNCHOSEN} only")
    return F.cross_entropy(scores(features[chosen]), labels[chosen])


def start(module, rng):
    """BERT's start: every matrix and table from N(0, 0.02²), every bias 0, norms as they are."""
    for name, parameter in module.named_parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=STD, rng=rng)
        elif name.endswith("bias"):
            parameter.data[...] = 0


# The names of public checkpoints ----------------------------------------------------------------------------------

_EMBEDDINGS = {"words.weight": "word_embeddings.weight", "positions.weight": "position_embeddings.weight",
               "segments.weight": "token_type_embeddings.weight", "norm.weight": "LayerNorm.weight",
               "norm.bias": "LayerNorm.bias"}
_LAYER = {"self_attn.out_proj": "attention.output.dense", "norm1": "attention.output.LayerNorm",
          "linear1": "intermediate.dense", "linear2": "output.dense", "norm2": "output.LayerNorm"}
_HEADS = {"transform.linear": "cls.predictions.transform.dense",
          "transform.norm": "cls.predictions.transform.LayerNorm", "next": "cls.seq_relationship"}


def bert_names(layers):
    """The parameters of `BertForPreTraining` under the names of the published checkpoints.

    Parameters
    ----------
    layers : int

    Returns
    -------
    dict of str to tuple of str
        Own name to public ones; where there are several, they are stacked (query, key, value). The tied decoder's
        matrix is the table of words, and has no line.

    Examples
    --------
    >>> bert_names(1)["bert.layers.layers.0.self_attn.in_proj_bias"][0]
    'bert.encoder.layer.0.attention.self.query.bias'
    """
    names = {f"bert.embeddings.{own}": (f"bert.embeddings.{public}",) for own, public in _EMBEDDINGS.items()}
    names["bias"] = ("cls.predictions.bias",)
    for kind in ("weight", "bias"):
        names[f"bert.pooler.{kind}"] = (f"bert.pooler.dense.{kind}",)
        names |= {f"{own}.{kind}": (f"{public}.{kind}",) for own, public in _HEADS.items()}
        for i in range(layers):
            own, public = f"bert.layers.layers.{i}", f"bert.encoder.layer.{i}"
            names[f"{own}.self_attn.in_proj_{kind}"] = tuple(
                f"{public}.attention.self.{part}.{kind}" for part in ("query", "key", "value"))
            names |= {f"{own}.{mine}.{kind}": (f"{public}.{theirs}.{kind}",) for mine, theirs in _LAYER.items()}
    return names
