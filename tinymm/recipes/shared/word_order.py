"""Is a text a bag of words to the model? A picture, its caption, and the same words in a wrong order."""

import numpy as np

from ...data import FOILS, caption_foils, split_words
from .results import OURS, Results, Scores

__all__ = ["add_word_order", "order_pairs"]

SHUFFLED = "words shuffled"


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


def add_word_order(report, part, items, systems, rng):
    """Add how often the caption is nearer to its picture than the foil is, by what was done to the caption.

    A bag of words gives a caption and its words in another order the same vector: a tie, which counts one half.

    Parameters
    ----------
    report : Report
    part : str
        "test/word_order".
    items : Items
    systems : dict of str to (callable, array (N, D))
        By name, ours first: ``embed(texts)`` and the vectors of the pictures.
    rng : numpy.random.Generator

    Returns
    -------
    list of Results
        Of all pairs; none if no caption has another order.
    dict of str to float
        Of each kind.
    """
    pairs = order_pairs(items, rng)
    if not pairs:
        return [], {}
    rows, kinds, captions, foils = zip(*pairs)
    rows, kinds = np.array(rows), np.array(kinds)
    preferred = {}
    for name, (embed, images) in systems.items():
        right, wrong = ((images[rows] * embed(list(texts))).sum(1) for texts in (captions, foils))
        preferred[name] = np.where(np.abs(right - wrong) < 1e-6, 0.5, (right > wrong).astype(float))
    results = Results(part, {name: Scores({"accuracy": values}) for name, values in preferred.items()}, "pairs")
    results.add_to(report, "Word order: is it a bag of words?", (
        "How often a picture is nearer to its caption than to one that is nearly right; chance is one half. "
        "A bag of words cannot tell one order of the same words from another: a tie, which counts one half."))
    names = [kind for kind in FOILS if (kinds == kind).any()]
    example = {kind: int(np.argmax(kinds == kind)) for kind in names}
    report.table([[kind, "yes" if FOILS[kind] else "no", int((kinds == kind).sum()),
                   *(float(values[kinds == kind].mean()) for values in preferred.values()),
                   captions[example[kind]], foils[example[kind]]] for kind in names],
                 ["what was done", "same words", "pairs", *preferred, "a caption", "its foil"])
    return [results], {f"{part}/{kind.replace(' ', '_')}/accuracy": float(preferred[OURS][kinds == kind].mean())
                       for kind in names}
