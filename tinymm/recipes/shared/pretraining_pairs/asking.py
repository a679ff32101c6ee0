"""What a model of texts and regions answers: hidden words, hidden regions, and whether the two belong together."""

from typing import NamedTuple

import numpy as np

from .... import functional as F
from ....data import UNCHOSEN, mask_tokens, pad_batch
from ....data.shapes.scene import COLOURS
from ....data.texts.tokenizer import EOS
from ....pretraining.vilbert import MATCHED
from ..prediction import over_batches
from .pairs import shown

__all__ = ["HiddenWords", "colours_hidden", "match_probabilities", "region_answers", "word_answers", "words_hidden"]

BATCH = 100


class HiddenWords(NamedTuple):
    """Texts with holes.

    Attributes
    ----------
    ids, labels : list of int array (T,)
        The text as it is shown; the word at each hole, -100 elsewhere.
    pictures : int array (M,)
        The number of the picture that each text is about.
    """

    ids: list
    labels: list
    pictures: np.ndarray

    @property
    def answers(self):
        """The words that are asked for, text by text: int array."""
        labels = np.concatenate(self.labels)
        return labels[labels != UNCHOSEN]


def words_hidden(texts, hidden, words, rng, share):
    """The same places hidden as in training, one text a picture; all chosen words are hidden.

    Parameters
    ----------
    texts : list of list of int
    hidden : int
        The number of the mask.
    words : int array
        For `mask_tokens`.
    rng : numpy.random.Generator
    share : float
    """
    ids, mask = pad_batch(texts)
    _, labels = mask_tokens(ids, mask & (ids > EOS), hidden, words, rng, share)
    ids = np.where(labels != UNCHOSEN, hidden, ids)
    return HiddenWords([row[own] for row, own in zip(ids, mask)], [row[own] for row, own in zip(labels, mask)],
                       np.arange(len(texts)))


def colours_hidden(texts, tokens):
    """Each colour of each text hidden in turn, all other words shown; a text without colours is left out.

    Examples
    --------
    >>> from ....data import WordTokenizer
    >>> tokens = WordTokenizer.fit(["a red cross"])
    >>> asked = colours_hidden([tokens.encode("a red cross")], tokens)
    >>> asked.ids[0].tolist(), asked.labels[0].tolist(), asked.answers.tolist()
    ([1, 4, 7, 5, 2], [-100, -100, 6, -100, -100], [6])
    """
    colours = {tokens.ids[colour] for colour in COLOURS if colour in tokens.ids}
    ids, labels, pictures = [], [], []
    for picture, text in enumerate(texts):
        for place in (k for k, word in enumerate(text) if word in colours):
            here = np.arange(len(text)) == place
            ids.append(np.where(here, len(tokens), text))
            labels.append(np.where(here, text, UNCHOSEN))
            pictures.append(picture)
    return HiddenWords(ids, labels, np.array(pictures, int))


def word_answers(model, regions, asked, pictures=None, absent=False):
    """What the model says of hidden words.

    Parameters
    ----------
    model : ImageTextPreTraining
    regions : Regions
    asked : HiddenWords
    pictures : int array (M,), optional
        Beside which pictures the texts are shown, in place of their own.
    absent : bool
        Show no picture at all; the model has not learned from such texts.

    Returns
    -------
    guesses : int array (A,)
        The likeliest word at each hole, in the order of `asked.answers`.
    log_p : float array (A,)
        Of the true word.
    """
    pictures = asked.pictures if pictures is None else pictures

    def answer(rows):
        given = shown(regions.rows(pictures[rows]), [asked.ids[i].tolist() for i in rows])
        masks = given.masks[0], given.masks[1] & (not absent)
        found = model.encoder(given.ids, given.features, given.locations, masks).text.sequence
        answers = []
        for k, i in enumerate(rows):
            here = asked.labels[i] != UNCHOSEN
            log_p = F.log_softmax(model.words(found[k, np.flatnonzero(here)]).data, -1)
            answers.append((log_p.argmax(1), log_p[np.arange(len(log_p)), asked.labels[i][here]]))
        return answers

    found = over_batches(model, len(asked.ids), BATCH, answer, [len(own) for own in asked.ids])
    guesses, log_p = zip(*found)
    return np.concatenate(guesses), np.concatenate(log_p)


def match_probabilities(model, regions, texts, pictures=None):
    """p(matched) of texts beside pictures: float array (M,).

    Parameters
    ----------
    model : ImageTextPreTraining
    regions : Regions
    texts : list of list of int
    pictures : int array (M,), optional
        By default one text a picture, in order.
    """
    pictures = np.arange(len(texts)) if pictures is None else pictures

    def answer(rows):
        given = shown(regions.rows(pictures[rows]), [texts[i] for i in rows])
        return F.softmax(model.matched(model.encoder(*given)).data, -1)[:, MATCHED]

    return np.array(over_batches(model, len(texts), BATCH, answer, [len(text) for text in texts]))


def region_answers(model, regions, texts):
    """Each region hidden in turn, all others shown, beside its picture's text: what is said of its class.

    Returns
    -------
    p, q : float arrays (R, K)
        The model's distribution and the classifier's, picture by picture.
    """
    pictures, places = np.nonzero(regions.mask)

    def answer(rows):
        some = regions.rows(pictures[rows])
        emptied = np.arange(some.mask.shape[1]) == places[rows][:, None]
        given = shown(some, [texts[i] for i in pictures[rows]], emptied,
                      np.where(emptied[..., None], np.float32(0), some.features))
        found = model.encoder(*given).image.sequence
        return F.softmax(model.regions(found[np.arange(len(rows)), 1 + places[rows]]).data, -1)

    p = np.array(over_batches(model, len(places), BATCH, answer, [len(texts[i]) for i in pictures]))
    return p, regions.classes[pictures, places]
