"""Is a text a bag of words to the model? A picture, its caption, and the same words in a wrong order."""

import numpy as np

from ....data import FOILS, caption_foils, split_words
from ..results import OURS, Results, Scores

__all__ = ["add_word_order", "order_pairs"]

SHUFFLED = "words shuffled"
LEVEL = 1e-6  # cosines that differ by less are a tie


def order_pairs(items, rng):
    """A caption of each picture and what is nearly right: list of (number of the item, kind, caption, foil).

    Where scenes are known, the kinds of `FOILS` that the judge finds false; else the caption's words, shuffled.

    Parameters
    ----------
    items : Items
    rng : numpy.random.Generator
    """
    pairs = []
    for i, own in enumerate(items.captions):
        caption = own[rng.integers(len(own))]
        if items.scenes is not None:
            found = caption_foils(caption, items.scenes[i], rng)
        else:
            words = split_words(caption)
            shuffled = " ".join(words[k] for k in rng.permutation(len(words)))
            found = {SHUFFLED: shuffled} if shuffled.split() != words else {}
        pairs += [(i, kind, caption, foil) for kind, foil in found.items()]
    return pairs


def add_word_order(report, part, items, images, embed, rng):
    """Add how often the caption is nearer to its picture than the foil is, by what was done to the caption.

    Parameters
    ----------
    report : Report
    part : str
        "test/word_order".
    items : Items
    images : array (N, D)
        The pictures' vectors.
    embed : callable
        ``embed(texts)`` → array (n, D).
    rng : numpy.random.Generator

    Returns
    -------
    list of Results
        Of all pairs; none if no caption has another order.
    dict of str to float
        The accuracy of each kind.
    """
    pairs = order_pairs(items, rng)
    if not pairs:
        return [], {}
    rows, kinds, captions, foils = zip(*pairs)
    right, wrong = ((images[[*rows]] * embed([*texts])).sum(1) for texts in (captions, foils))
    preferred = np.where(np.abs(right - wrong) < LEVEL, 0.5, (right > wrong).astype(float))
    results = Results(part, {OURS: Scores({"accuracy": preferred}),
                             "chance": Scores({"accuracy": np.full(len(preferred), 0.5)})}, "pairs")
    results.add_to(report, "Word order: is it a bag of words?", (
        "How often a picture is nearer to its caption than to one that is nearly right. A bag of words gives the same "
        "words in another order the same vector: a tie, which counts one half."))
    kinds, table, metrics = np.array(kinds), [], {}
    for kind in (kind for kind in FOILS if kind in kinds):
        own = np.flatnonzero(kinds == kind)
        accuracy = metrics[f"{part}/{kind.replace(' ', '_')}/accuracy"] = float(preferred[own].mean())
        table.append([kind, "yes" if FOILS[kind] else "no", len(own), accuracy, captions[own[0]], foils[own[0]]])
    report.table(table, ["what was done", "same words", "pairs", "accuracy", "a caption", "its foil"])
    return [results], metrics
