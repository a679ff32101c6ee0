"""What a step of contrastive training learns from: a batch of pairs, and the losses that hold them together."""

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from ....cores import ceil_div
from ....data import TfIdf, normalise, order_by_likeness, pad_batch, shifted, split_words
from ....data.speech import mask_spectrogram
from ....data.texts import pad_pieces
from ....mapping import SigmoidScale, cached_backward, info_nce, queue_loss, same, sigmoid_loss
from ..sounds import padded, spectrogram

__all__ = ["Batch", "HOP", "Objective", "PairBatches", "by_likeness", "encode", "lock_words", "pad_texts", "pair_loss",
           "scale_of"]

HOP = 160  # samples from one frame of a spectrogram to the next: 20 ms
SIMILAR = 8  # pictures of a batch whose captions are alike
DENSE = 512  # words up to which bags of words are no sparse arrays: products are faster


class _Chunk(NamedTuple):
    """Some pictures, with texts and with recordings of those that have one."""

    images: np.ndarray                      # (b, 3, H, W)
    texts: tuple                            # ids (n, T) or (n, T, G), mask (n, T)
    shown: np.ndarray | None                # mask (n, T) of the words that a part of each text has; None: no parts
    heard: np.ndarray                       # (m,), which of the pictures have a recording
    sounds: tuple | None                    # spectrograms (m, T, F), mask (m, T); None where nothing is heard


class Batch(NamedTuple):
    """Pairs of a step.

    Attributes
    ----------
    chunks : sequence
        One, or several for gradient caching.
    targets : bool array (B, N)
        Which of the texts are right for each picture.
    heard : bool array (M, M) or None
        Which of the recordings are right for each picture that has one; None where fewer than two are heard.
    keys : int array (N,)
        Which text each is: equal texts have equal keys.
    """

    chunks: Sequence
    targets: np.ndarray
    heard: np.ndarray | None
    keys: np.ndarray


class PairBatches:
    """Makes batches of `Items`: to each picture a text in every language it has, drawn anew each time.

    Parameters
    ----------
    items : Items
    tokens : WordTokenizer or SubwordTokenizer
    shift : int
        Pictures move by up to so many pixels.
    hidden : float
        If above 0, there is a part of each text too, without this share of its words, drawn anew each time.
    chunk : int, optional
        Pictures of a chunk; default: the batch is one.
    """

    def __init__(self, items, tokens, shift=0, hidden=0.0, chunk=None):
        self.items, self.tokens, self.shift, self.hidden, self.chunk = items, tokens, shift, hidden, chunk
        numbers = {}
        self.keys = [[np.array([numbers.setdefault(normalise(text), len(numbers)) for text in texts[i]], int)
                      for texts in items.texts.values() if texts[i]] for i in range(len(items))]
        self.encoded = {}
        for texts in items.texts.values():
            for text in (text for own in texts for text in own):
                self.encoded.setdefault(numbers[normalise(text)], tokens.encode(text))
        self.spectrograms = {i: spectrogram(sound, HOP) for i, sound in items.sounds.items()}

    def __call__(self, rows, rng):
        """The Batch of some pictures (int array)."""
        said = [[int(own[rng.integers(len(own))]) for own in self.keys[i]] for i in rows]   # a text in each language
        keys = np.array([key for own in said for key in own])
        where = {}
        for i, row in enumerate(rows):
            for key in np.concatenate(self.keys[row]):
                where.setdefault(int(key), []).append(i)
        targets = np.zeros((len(rows), len(keys)), bool)
        for j, key in enumerate(keys):
            targets[where[int(key)], j] = True
        count = 1 if self.chunk is None else ceil_div(len(rows), self.chunk)
        chunks = [self._chunk(rows[own], [key for i in own for key in said[i]], rng)
                  for own in np.array_split(np.arange(len(rows)), count)]
        heard = [normalise(self.items.spoken[i]) for i in rows if i in self.spectrograms]
        can_hear = len(heard) > 1 and all(len(chunk.heard) for chunk in chunks)
        if not can_hear:
            chunks = [chunk._replace(heard=chunk.heard[:0], sounds=None) for chunk in chunks]
        return Batch(chunks, targets, same(heard) if can_hear else None, keys)

    def _chunk(self, rows, keys, rng):
        images = shifted(self.items.images(rows), self.shift, rng)
        heard = np.array([k for k, i in enumerate(rows) if i in self.spectrograms], int)
        sounds = padded([mask_spectrogram(self.spectrograms[i], rng) for i in rows[heard]]) if len(heard) else None
        ids, mask = pad_texts(self.tokens, [self.encoded[key] for key in keys])
        shown = None
        if self.hidden:
            shown = mask & (rng.random(mask.shape) >= self.hidden)
            shown[:, 0] = True                                           # <bos>, so that no text is empty
        return _Chunk(images, (ids, mask), shown, heard, sounds)


def by_likeness(items):
    """A new order in each epoch, in which pictures whose captions have nearly the same words come together.

    Parameters
    ----------
    items : Items

    Returns
    -------
    callable
        ``order(rng)`` → int array (N,): the `arrange` of a `tinymm.training.TrainingSet`.
    """
    documents = [split_words(" ".join(own)) for own in items.captions]
    vectors = TfIdf(documents)(documents)                                # (N, V)
    if vectors.shape[1] <= DENSE:
        vectors = vectors.toarray()
    return partial(order_by_likeness, vectors, SIMILAR)


def pad_texts(tokens, encoded):
    """Encoded texts as one array and its mask, whichever tokenizer encoded them."""
    return pad_pieces(encoded) if hasattr(tokens, "runs") else pad_batch(encoded)


def lock_words(encoder, tokens, languages):
    r"""Make word vectors the longer the rarer the word, and keep them so:
    $E_w \leftarrow E_w \ln \frac{1 + m}{1 + m_w} / \ln (1 + m)$.

    m is the number of texts, $m_w$ of those that have w; what training never shows gets 0. The vectors were drawn at
    random, so they are nearly at right angles. Learned ones would soon be made to fit the one or two pictures that a
    rare word came with; only what comes after them is learned.

    Parameters
    ----------
    encoder : TextEncoder
    tokens : WordTokenizer or SubwordTokenizer
    languages : iterable of list of list of str
        Texts in each language.

    References
    ----------
    Zhai et al. (2022), LiT: zero-shot transfer with locked-image text tuning, §3 (there the pictures' tower is locked).
    """
    texts = [tokens.encode(text) for each in languages for own in each for text in own]
    counts = np.zeros(len(encoder.embedding.weight))
    for text in texts:
        counts[np.unique(np.concatenate([np.ravel(piece) for piece in text]))] += 1
    rarity = np.where(counts > 0, np.log((1 + len(texts)) / (1 + counts)) / np.log(1 + len(texts)), 0.0)
    encoder.embedding.weight.data *= rarity[:, None].astype(np.float32)
    encoder.embedding.weight.requires_grad = False


def encode(towers, chunk):
    """Unit vectors of a chunk by name: "images", "texts" and "parts" of these; of what is heard, "seen" and "heard".

    Recordings learn to lie where their pictures are, but do not move these: pictures and texts learn as if alone, and
    speech joins the space that they make.
    """
    ids, mask = chunk.texts
    vectors = {"images": towers("image", chunk.images), "texts": towers("text", ids, mask)}
    if chunk.shown is not None:
        vectors["parts"] = towers("text", ids, chunk.shown)
    if chunk.sounds is not None:
        vectors["seen"] = vectors["images"][chunk.heard].detach()
        vectors["heard"] = towers("speech", *chunk.sounds)
    return vectors


def pair_loss(x, y, scale, targets):
    """InfoNCE, or SigLIP if that is whose scale it is."""
    if isinstance(scale, SigmoidScale):
        return sigmoid_loss(x, y, *scale(), targets)
    return info_nce(x, y, scale(), targets)


def scale_of(towers):
    """What the loss multiplies cosines by (float)."""
    scale = towers.scale()
    log_scale = scale[0] if isinstance(scale, tuple) else scale
    return math.exp(log_scale.item())


class Objective:
    """The loss of a step: pictures against texts, parts of texts, and what is heard; texts never against what is heard.

    A part of a text lacks some words, so what remains has to be known by itself: of "a green <hidden>" the colour.
    Whole captions can also be told apart by which pairs of colour and shape there are, which says nothing of a new
    pair.

    Parameters
    ----------
    momentum : MomentumEncoder, optional
    queue : PairQueue, optional
        With both, pictures and texts are held against the queue too.
    """

    needs_whole_batch = True

    def __init__(self, momentum=None, queue=None):
        self.momentum, self.queue = momentum, queue

    @property
    def state(self):
        """What a Trainer must keep beside the towers: its `extra_state`."""
        return {} if self.queue is None else {"momentum": self.momentum, "queue": self.queue}

    def __call__(self, towers, batch, rng):
        """The loss, and each of its parts for the log."""
        losses, names = {}, []

        def encoded(chunk):
            vectors = encode(towers, chunk)
            names[:] = vectors
            return tuple(vectors.values())

        def total(*values):
            losses.update(self._losses(towers, batch, **dict(zip(names, values))))
            return sum(losses.values()) / len(losses)

        if len(batch.chunks) == 1:
            loss = total(*encoded(batch.chunks[0]))
        else:
            loss = cached_backward(towers, encoded, batch.chunks, total)
        return loss, {name: part.item() for name, part in losses.items()}

    def _losses(self, towers, batch, images, texts, parts=None, seen=None, heard=None):
        """The losses of a step by name."""
        if self.queue is None:
            losses = {"image_text": pair_loss(images, texts, towers.scale, batch.targets)}
        else:
            losses = {"image_text": self._against_queue(towers, batch, images, texts)}
        if parts is not None:
            losses["image_part"] = pair_loss(images, parts, towers.scale, batch.targets)
        if heard is not None:
            losses["image_speech"] = pair_loss(seen, heard, towers.scale, batch.heard)
        return losses

    def _against_queue(self, towers, batch, images, texts):
        chunk = batch.chunks[0]
        self.momentum.update(towers)
        slow_images = self.momentum("image", chunk.images)
        slow_texts = self.momentum("text", *chunk.texts)
        loss = queue_loss(images, texts, slow_images, slow_texts, self.queue, towers.scale(), batch.keys)
        self.queue.push(slow_images, slow_texts, batch.keys)
        return loss
