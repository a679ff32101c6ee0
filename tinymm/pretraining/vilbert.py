r"""ViLBERT: two streams, one for words and one for regions of a picture, that ask each other.

Each stream has Transformer layers of its own width and number. Between them stand co-attention blocks
(`tinymm.fusion.CoAttentionBlock`): there the words ask the regions and the regions ask the words. In the paper the text
is read by six layers first, then blocks and layers alternate; `schedule` says the order.

It learns by three objectives, added: the words hidden from it (as BERT), the classes of the regions hidden from it, and
whether text and picture belong together. The article calls this a shared encoder; that is what the paper argues
against. One encoder for both is `single_stream.py`.
"""

from typing import NamedTuple

import numpy as np

from .. import functional as F
from .. import nn
from ..data.masking import UNCHOSEN
from ..encoders.encoded import Encoded, checked_mask, zero_hidden
from ..fusion import CoAttentionBlock
from .bert import EPS, BertEmbeddings, PredictionTransform, masked_loss, start

__all__ = ["MATCHED", "MISMATCHED", "ImageTextPreTraining", "RegionEmbeddings", "Streams", "Vilbert", "region_loss",
           "schedule"]

MATCHED, MISMATCHED = 0, 1  # ViLBERT's labels of a pair; LXMERT, ALBEF and BLIP have them the other way round


class Streams(NamedTuple):
    """A text and a picture after they have met: `Encoded` each, and the maps of the co-attention blocks.

    Attributes
    ----------
    text, image : Encoded
        Sequences (B, T, Dt) and (B, N, Di); the pooled vectors are of one width, (B, P).
    weights : list
        What the co-attention blocks returned, in order: words over regions (B, H, T, N), regions over words
        (B, H, N, T). Empty for one stream.
    """

    text: Encoded
    image: Encoded
    weights: list


class RegionEmbeddings(nn.Module):
    r"""Regions to vectors: $x_n = \mathrm{LN}(W v_n + b + U l_n + c)$, from features v and five numbers l of its place.

    Parameters
    ----------
    features : int
        F, of v.
    width : int
        D.
    dropout : float
    rng : numpy.random.Generator

    References
    ----------
    Lu et al. (2019), ViLBERT, §3.1.

    Examples
    --------
    >>> embeddings = RegionEmbeddings(6, 8, rng=np.random.default_rng(0))
    >>> embeddings(np.ones((2, 3, 6), np.float32), np.ones((2, 3, 5), np.float32)).shape
    (2, 3, 8)
    """

    def __init__(self, features, width, dropout=0.0, *, rng):
        self.features = nn.Linear(features, width, rng=rng)
        self.locations = nn.Linear(5, width, rng=rng)
        self.norm = nn.LayerNorm(width, EPS)
        self.dropout = nn.Dropout(dropout, rng=rng)

    def forward(self, features, locations):
        """features (B, N, F), locations (B, N, 5) to (B, N, D)."""
        return self.dropout(self.norm(self.features(features) + self.locations(locations)))


def schedule(text_layers, image_layers, connections):
    """In which order the layers of the two streams and the blocks between them are run.

    The last `connections` layers of the text, and the image's, each follow a block; what each stream has beyond that
    comes before the first.

    Parameters
    ----------
    text_layers, image_layers, connections : int

    Returns
    -------
    list of (str, int)
        "text", "image" or "connection", and which.

    References
    ----------
    Lu et al. (2019), ViLBERT, figure 1, and the configuration of its released code.

    Examples
    --------
    >>> " ".join(f"{kind[0]}{i}" for kind, i in schedule(text_layers=4, image_layers=2, connections=2))
    't0 t1 c0 i0 t2 c1 i1 t3'
    """
    text, image = text_layers - connections, image_layers - connections
    if min(text, image) < 0 or connections < 1:
        raise ValueError("schedule: needs a block or more, and a layer of each stream for each; got "
                         f"{text_layers} text layers, {image_layers} image layers, {connections} blocks")
    order = [("text", i) for i in range(text)] + [("image", i) for i in range(image)]
    for block in range(connections):
        order += [("connection", block), ("image", image + block), ("text", text + block)]
    return order


class Vilbert(nn.Module):
    r"""Two streams of Transformer layers, and co-attention blocks between them, in the order of `schedule`.

    Parameters
    ----------
    vocabulary, features : int
        V, and F of the regions.
    text, image : dict
        Of each stream: width, layers, heads, feedforward. The paper's: 768, 12, 12, 3072 and 1024, 6, 8, 1024.
    connection : dict
        Of the blocks: width, layers (how many), heads. The paper's: 1024, 6, 8.
    positions : int
        How long a text may be.
    dropout : float
    rng : numpy.random.Generator
        Matrices and tables start from N(0, 0.02²), biases at 0.

    Attributes
    ----------
    width, pooled_width : tuple of int, int
        The widths of the streams; of the pooled vectors, that of the blocks.
    order : list of (str, int)

    References
    ----------
    Lu, Batra, Parikh & Lee (2019), ViLBERT: pretraining task-agnostic visiolinguistic representations, §3.1.

    Examples
    --------
    >>> stream = {"layers": 2, "heads": 2, "feedforward": 8}
    >>> model = Vilbert(10, 6, {"width": 8} | stream, {"width": 4} | stream, {"width": 8, "layers": 1, "heads": 2},
    ...                 rng=np.random.default_rng(0))
    >>> found = model(np.array([[1, 5, 2]]), np.ones((1, 4, 6), np.float32), np.ones((1, 4, 5), np.float32))
    >>> found.text.sequence.shape, found.image.sequence.shape, found.text.pooled.shape
    ((1, 3, 8), (1, 4, 4), (1, 8))
    """

    def __init__(self, vocabulary, features, text, image, connection, positions=64, dropout=0.0, *, rng):
        def layers(width, layers, heads, feedforward):
            return nn.ModuleList(nn.TransformerEncoderLayer(width, heads, feedforward, dropout, "gelu", EPS, rng=rng)
                                 for _ in range(layers))

        self.width, self.pooled_width = (text["width"], image["width"]), connection["width"]
        self.order = schedule(text["layers"], image["layers"], connection["layers"])
        self.words = BertEmbeddings(vocabulary, text["width"], positions, dropout=dropout, rng=rng)
        self.regions = RegionEmbeddings(features, image["width"], dropout, rng=rng)
        self.text = layers(**text)
        self.image = layers(**image)
        widths = dict(zip(("text", "image"), self.width))
        self.connection = nn.ModuleList(
            CoAttentionBlock(widths, connection["width"], connection["heads"],
                             (text["feedforward"], image["feedforward"]), dropout, rng=rng)
            for _ in range(connection["layers"]))
        self.text_pooler = nn.Linear(text["width"], connection["width"], rng=rng)
        self.image_pooler = nn.Linear(image["width"], connection["width"], rng=rng)
        start(self, rng)

    def forward(self, ids, features, locations, masks=(None, None), segments=None):
        """Read a text and a picture.

        Parameters
        ----------
        ids : int array (B, T)
            The first word is [CLS], <bos>.
        features, locations : Tensor or array (B, N, F), (B, N, 5)
            The first region is the whole picture (`tinymm.data.with_whole_picture`).
        masks : tuple of two bool arrays (B, T), (B, N), each optional
        segments : int array (B, T), optional

        Returns
        -------
        Streams
            Pooled is ReLU of a linear map of the first word, and of the first region.
        """
        text_mask = checked_mask("Vilbert", masks[0], ids.shape)
        image_mask = checked_mask("Vilbert", masks[1], features.shape[:2])
        x, y = self.words(ids, segments), self.regions(zero_hidden(features, image_mask), locations)
        weights = []
        for kind, i in self.order:
            if kind == "text":
                x = self.text[i](x, src_key_padding_mask=text_mask)
            elif kind == "image":
                y = self.image[i](y, src_key_padding_mask=image_mask)
            else:
                (x, y), _, maps = self.connection[i]((x, y), (text_mask, image_mask))
                weights.append(maps)
        return Streams(pooled_at_first(x, self.text_pooler, text_mask),
                       pooled_at_first(y, self.image_pooler, image_mask), weights)


def pooled_at_first(x, pooler, mask):
    """A stream x (B, L, D) as `Encoded`, pooled by ReLU of a linear map of its first position.

    Examples
    --------
    >>> pooler = nn.Linear(4, 3, rng=np.random.default_rng(0))
    >>> pooled_at_first(np.ones((2, 5, 4), np.float32), pooler, None).pooled.shape
    (2, 3)
    """
    return Encoded(zero_hidden(x, mask), F.relu(pooler(x[:, 0])), mask)


class ImageTextPreTraining(nn.Module):
    r"""An encoder of text and regions with ViLBERT's three questions.

    Which word stood here, as in BERT; of which class was this region, $\operatorname{softmax}(C\,\mathrm{LN}(
    \mathrm{GELU}(W y_n + b)) + d)$; and do the two belong together, from the product of the pooled vectors,
    $A\,(p_{\text{text}} \odot p_{\text{image}}) + a$.

    Parameters
    ----------
    encoder : Vilbert or SingleStream
    classes : int
        K, of regions.
    dropout : float
        On the product; the paper's is 0.1.
    rng : numpy.random.Generator

    References
    ----------
    Lu et al. (2019), ViLBERT, §3.1 and figure 3.
    """

    def __init__(self, encoder, classes, dropout=0.1, *, rng):
        text, image = encoder.width
        self.encoder = encoder
        self.word_transform = PredictionTransform(text, rng=rng)
        self.word_bias = nn.Parameter(np.zeros(encoder.words.words.weight.shape[0], np.float32))
        self.region_transform = PredictionTransform(image, rng=rng)
        self.classes = nn.Linear(image, classes, rng=rng)
        self.alignment = nn.Linear(encoder.pooled_width, 2, rng=rng)
        self.dropout = nn.Dropout(dropout, rng=rng)
        for part in (self.classes, self.alignment):
            start(part, rng)

    def forward(self, *inputs, **options):
        """As the encoder's, to scores of words (B, T, V), of classes (B, N, K), and of matched and not (B, 2)."""
        found = self.encoder(*inputs, **options)
        return self.words(found.text.sequence), self.regions(found.image.sequence), self.matched(found)

    def words(self, features):
        """Features of words (..., Dt) to scores (..., V), by the table that the text was read with."""
        return F.linear(self.word_transform(features), self.encoder.words.words.weight, self.word_bias)

    def regions(self, features):
        """Features of regions (..., Di) to scores of their classes (..., K)."""
        return self.classes(self.region_transform(features))

    def matched(self, found):
        """`Streams` to scores of matched (0) and mismatched (1), (B, 2)."""
        return self.alignment(self.dropout(found.text.pooled * found.image.pooled))

    def loss(self, found, labels=None, classes=None, chosen=None, mismatched=None):
        """The objectives that are asked for, added.

        Parameters
        ----------
        found : Streams
            The encoder's.
        labels : int array (B, T), optional
            The true word at chosen places, -100 elsewhere.
        classes, chosen : float array (B, N, K), bool array (B, N), optional
            What the detector says of each region; which regions are asked.
        mismatched : int array (B,), optional
            0 for pairs that belong together, 1 for others.

        Returns
        -------
        Tensor ()

        Raises
        ------
        ValueError
            If nothing is asked, of words, or of regions, that are asked.
        """
        terms = []
        if labels is not None:
            terms.append(masked_loss("ImageTextPreTraining", self.words, found.text.sequence, labels))
        if classes is not None:
            terms.append(region_loss(self.regions, found.image.sequence, classes, chosen))
        if mismatched is not None:
            terms.append(F.cross_entropy(self.matched(found), mismatched))
        if not terms:
            raise ValueError("ImageTextPreTraining: some objective must be asked for; got none")
        return sum(terms[1:], terms[0])


def region_loss(scores, features, classes, chosen):
    r"""The detector's classes at chosen regions: the mean of $\mathrm{KL}(q_n \,\|\, p_n) = \sum_k q_{nk}
    \log\frac{q_{nk}}{p_{nk}}$.

    Parameters
    ----------
    scores : callable
        Features (n, D) to scores (n, K).
    features : Tensor (B, N, D)
    classes : float array (B, N, K)
        q, distributions.
    chosen : bool array (B, N)

    Returns
    -------
    Tensor ()

    Raises
    ------
    ValueError
        If no region is chosen: a mean over none is no number.

    Examples
    --------
    >>> q = np.full((1, 2, 4), 0.25)
    >>> abs(round(float(region_loss(lambda x: np.zeros((len(x), 4)), np.zeros((1, 2, 3)), q, q[..., 0] > 0)), 6))
    0.0
    """
    if not chosen.any():
        raise ValueError("region_loss: at least one region must be chosen; got none")
    q = classes[chosen].astype(features.dtype)
    negative_entropy = np.where(q > 0, q * np.log(np.where(q > 0, q, 1)), 0).sum(1).mean()
    return F.cross_entropy(scores(features[chosen]), q) + negative_entropy
