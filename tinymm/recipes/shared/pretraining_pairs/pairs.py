"""Pairs of a text and a picture to learn from: half of them mismatched, and something hidden in one of the two.

Three things would make the questions wrong, or too easy. A caption of another picture that is true of this one too is
no mismatch: `mismatched_caption` never gives one. If only matched pairs had something hidden, a hole would tell that
they match: so both have holes, though only those of matched pairs are asked for. And a colour that is hidden in the
text could not be known if the region that has it were hidden too: so words are hidden or regions are, never both in one
pair (ViLBERT hides both; Chen et al. 2020, UNITER, §3.3, compare).
"""

from typing import NamedTuple

import numpy as np

from ....data import UNCHOSEN, judge, mask_regions, mask_tokens, normalise, pad_batch, with_whole_picture
from ....data.texts.tokenizer import EOS
from ....pretraining.vilbert import MATCHED, MISMATCHED

__all__ = ["PairBatches", "Pairs", "Shown", "is_false", "mismatched_caption", "pairs_loss", "shown"]

TRIES = 100  # captions that are drawn before a picture is left with its own
WORDS, REGIONS = 0.6, 0.2  # share of the pairs in which words are hidden, and in which regions are


class Shown(NamedTuple):
    """What the encoder is given of some pairs.

    Attributes
    ----------
    ids : int array (B, T)
    features, locations : float32 array (B, 1 + N, F), (B, 1 + N, 5)
        The whole picture first.
    masks : tuple of two bool arrays (B, T), (B, 1 + N)
    """

    ids: np.ndarray
    features: np.ndarray
    locations: np.ndarray
    masks: tuple


class Pairs(NamedTuple):
    """What is asked of some pairs.

    Attributes
    ----------
    shown : Shown
    labels : int array (B, T)
        The hidden words of matched pairs; -100 elsewhere.
    classes : float32 array (B, 1 + N, K)
    chosen : bool array (B, 1 + N)
        The hidden regions of matched pairs.
    mismatched : int array (B,)
    """

    shown: Shown
    labels: np.ndarray
    classes: np.ndarray
    chosen: np.ndarray
    mismatched: np.ndarray


def is_false(caption, captions, scene=None):
    """Whether a caption is wrong for a picture: none of its own; and not true of its scene, where that is known.

    Examples
    --------
    >>> is_false("A cat.", ["a cat."]), is_false("a dog.", ["a cat."])
    (False, True)
    """
    if normalise(caption) in map(normalise, captions):
        return False
    return scene is None or not judge(caption, scene).true


def mismatched_caption(picture, captions, scenes, rng):
    """A caption of another picture that is wrong for this one.

    Parameters
    ----------
    picture : int
        Its number.
    captions : list of list of str
        Of each picture.
    scenes : list of Scene or None
    rng : numpy.random.Generator

    Returns
    -------
    tuple of int, or None
        Number of the other picture, and of its caption; None if 100 draws gave none.

    Examples
    --------
    >>> mismatched_caption(0, [["a cat"], ["a cat"], ["a dog"]], None, np.random.default_rng(0))
    (2, 0)
    """
    scene = None if scenes is None else scenes[picture]
    for _ in range(TRIES):
        other = int(rng.integers(len(captions)))
        k = int(rng.integers(len(captions[other])))
        if other != picture and is_false(captions[other][k], captions[picture], scene):
            return other, k
    return None


def shown(regions, ids, emptied=None, features=None):
    """Texts beside the regions of their pictures, and before these the whole picture.

    The whole picture's feature is the mean of the regions that are shown: with the hidden ones it would tell of them.

    Parameters
    ----------
    regions : Regions
        Of B pictures.
    ids : list of B lists of int, or (int array (B, T), bool array (B, T))
    emptied : bool array (B, N), optional
        Regions whose features are hidden.
    features : float32 array (B, N, F), optional
        As they are shown; by default as they are.

    Returns
    -------
    Shown
    """
    ids, mask = pad_batch(ids) if isinstance(ids, list) else ids
    features = regions.features if features is None else features
    seen = regions.mask if emptied is None else regions.mask & ~emptied
    whole, locations, _ = with_whole_picture(features, regions.locations, seen)
    features = np.concatenate([whole[:, :1], features], 1)
    return Shown(ids, features, locations, (mask, _with_first(regions.mask, True)))


def _with_first(array, value):
    """An array (B, N, …) with one more entry before the others of each row."""
    first = np.full((len(array), 1, *array.shape[2:]), value, array.dtype)
    return np.concatenate([first, array], 1)


class PairBatches:
    """``batches(rows, rng)`` → `Pairs`: for each picture a caption, of its own or, half the time, of another.

    Parameters
    ----------
    regions : Regions
    captions : list of list of str
    scenes : list of Scene or None
    tokens : WordTokenizer
        Its length is the number of the mask.
    share : float
        Of the words of a text, how many are chosen.
    """

    def __init__(self, regions, captions, scenes, tokens, share):
        self.regions, self.captions, self.scenes, self.share = regions, captions, scenes, share
        self.encoded = [[tokens.encode(caption) for caption in own] for own in captions]
        self.hidden = len(tokens)
        said = {word for own in self.encoded for caption in own for word in caption}
        self.words = np.array(sorted(word for word in said if word > EOS))

    def __call__(self, rows, rng):
        ids, mismatched = [], []
        for i in rows:
            other = mismatched_caption(i, self.captions, self.scenes, rng) if rng.random() < 0.5 else None
            i, k = (i, int(rng.integers(len(self.captions[i])))) if other is None else other
            ids.append(self.encoded[i][k])
            mismatched.append(MATCHED if other is None else MISMATCHED)
        mismatched = np.array(mismatched)
        return self.asked(self.regions.rows(rows), ids, mismatched, rng)

    def asked(self, regions, ids, mismatched, rng):
        """Hide words, or regions, or nothing, in each of these pairs."""
        ids, mask = pad_batch(ids)
        labels = np.full_like(ids, UNCHOSEN)
        kind = rng.random(len(ids))
        maskable = mask & (ids > EOS) & (kind < WORDS)[:, None]
        if maskable.any():
            ids, labels = mask_tokens(ids, maskable, self.hidden, self.words, rng, self.share)
        maskable = regions.mask & (kind > 1 - REGIONS)[:, None]
        features, chosen, emptied = mask_regions(regions.features, maskable, rng)
        is_match = (mismatched == MATCHED)[:, None]
        return Pairs(shown(regions, (ids, mask), emptied, features), np.where(is_match, labels, UNCHOSEN),
                     _with_first(regions.classes, 0), _with_first(chosen & is_match, False), mismatched)


def pairs_loss(model, batch, rng):
    """ViLBERT's three objectives, added; one that a batch asks nothing of is left out.

    Parameters
    ----------
    model : PairModel
    batch : Pairs
    rng : numpy.random.Generator
        Not used: what is hidden was drawn with the batch.
    """
    found = model.pairs.encoder(*batch.shown)
    return model.pairs.loss(found, batch.labels if (batch.labels != UNCHOSEN).any() else None,
                            batch.classes if batch.chosen.any() else None, batch.chosen, batch.mismatched)
