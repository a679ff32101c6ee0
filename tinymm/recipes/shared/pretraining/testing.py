"""The test of a masked language model: hidden words and next sentences, beside models that count."""

import math

import numpy as np

from .... import functional as F
from ....data import BOTH, LEFT, UNCHOSEN, WIDE, NeighbourModel
from ....data.texts.tokenizer import BOS, EOS, SPECIALS
from ..prediction import over_batches
from ..results import OURS, Scores
from .masked_text import sentence_places

__all__ = ["counting_models", "next_probabilities", "next_scores", "validation_numbers", "word_probabilities",
           "word_scores"]

TOGETHER = 64  # rows a model is asked about at a time
MOST_PLACES = 4000  # on which the weights of the counting models are chosen
COUNTED = {"unigram": ((),), "trigram": LEFT, "neighbours": BOTH, "two neighbours a side": WIDE}


def word_probabilities(model, batch):
    """p(w) of every word at each place that is asked: float array (M, V), in the order of the labels."""
    lengths = batch.mask.sum(1)

    def answer(rows):
        longest = lengths[rows].max()
        shown, labels, mask, segments = (part[rows, :longest] for part in batch[:4])
        chosen = labels != UNCHOSEN
        features = model.bert(shown, mask, segments).sequence
        p = F.softmax(model.words(features[chosen]), -1).data
        return np.split(p, np.cumsum(chosen.sum(1))[:-1])

    return np.concatenate(over_batches(model, len(batch.shown), TOGETHER, answer, lengths))


def next_probabilities(model, batch):
    """The probability that the second sentence follows the first, of texts with no word hidden: float array (B,)."""
    lengths, ids = batch.mask.sum(1), batch.ids

    def answer(rows):
        longest = lengths[rows].max()
        _, scores = model(ids[rows, :longest], batch.mask[rows, :longest], batch.segments[rows, :longest])
        return F.softmax(scores, -1).data[:, 0]

    return np.array(over_batches(model, len(ids), TOGETHER, answer, lengths))


def word_scores(systems, words):
    """Scores of probabilities (M, V) of the words (M,) that were hidden: accuracy, loss and perplexity."""
    scores = {}
    for name, p in systems.items():
        likelihood = p[np.arange(len(words)), words].astype(float)
        losses = -np.log(np.maximum(likelihood, 1e-12))
        scores[name] = Scores({"accuracy": p.argmax(1) == words, "loss": losses},
                              {"perplexity": math.exp(losses.mean())})
    return scores


def validation_numbers(model, batch):
    """What is logged after each epoch: of hidden words, and of next sentences where there are some."""
    words = batch.labels[batch.labels != UNCHOSEN]
    numbers = word_scores({OURS: word_probabilities(model, batch)}, words)[OURS].metrics
    if batch.is_next is not None:
        pairs = batch.is_next != UNCHOSEN
        said = (next_probabilities(model, batch) < 0.5)[pairs]
        numbers["next_accuracy"] = float((said == batch.is_next[pairs]).mean())
    return numbers


def counting_models(texts, val):
    """The baselines: models that count words and their neighbours in training, weighed on validation text.

    Parameters
    ----------
    texts : MaskedTexts
        The training part.
    val : MaskedBatch

    Returns
    -------
    dict of str to NeighbourModel
    """
    rows = [[BOS, *(piece for word in texts.pieces[sentence] for piece in word), EOS] for sentence in texts.sentences]
    places, words = sentence_places(val)[:MOST_PLACES], val.labels[val.labels != UNCHOSEN][:MOST_PLACES]
    return {name: NeighbourModel(rows, texts.mask_id, contexts, range(len(SPECIALS))).fit(places, words)
            for name, contexts in COUNTED.items()}


def next_scores(model, val, test):
    """Scores of the next sentence: ours, chance, and how many words the two sentences share."""
    pairs = test.is_next != UNCHOSEN
    truth = test.is_next[pairs]
    shared, labels = _overlap(val)[val.is_next != UNCHOSEN], val.is_next[val.is_next != UNCHOSEN]
    cuts = np.unique(shared)
    cut = cuts[np.argmax([((shared < cut) == labels).mean() for cut in cuts])]
    said = {OURS: (next_probabilities(model, test) < 0.5)[pairs], "chance": np.zeros(len(truth), bool),
            "shared words": (_overlap(test) < cut)[pairs]}
    return {name: Scores({"accuracy": answer == truth}) for name, answer in said.items()}


def _overlap(batch):
    """|A ∩ B| / |A ∪ B| of the words of two sentences, for each row."""
    found = []
    for ids, mask, segments in zip(batch.ids, batch.mask, batch.segments):
        one, other = ({*ids[mask & (segments == segment)].tolist()} - {BOS, EOS} for segment in (0, 1))
        found.append(len(one & other) / max(1, len(one | other)))
    return np.array(found)
