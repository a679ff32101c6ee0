"""Captions by retrieval: the nearest text of a gallery, judged as a captioner is; and the best that the gallery has."""

from ....data import TfIdf, split_words
from ..caption_scores import scored
from ..paired import distinct, right_texts
from ..results import Results

__all__ = ["add_captions", "caption_gallery", "oracle_captions"]

LARGEST = 8000  # texts of the gallery


def caption_gallery(train):
    """The captions that training pictures have, the first ones first: list of str."""
    longest = max(map(len, train.captions))
    return distinct(own[k] for k in range(longest) for own in train.captions if k < len(own))[:LARGEST]


def oracle_captions(items, gallery):
    """The best that a gallery allows: for each picture a text that is right, or the one most like its own captions.

    Examples
    --------
    >>> from tinymm.recipes.shared.paired import Items
    >>> items = Items(None, {"text": [["a cat"], ["two brown dogs"]]})
    >>> oracle_captions(items, ["a dog", "a cat", "brown dogs"])
    ['a cat', 'brown dogs']
    """
    right = right_texts(items, gallery)
    bag = TfIdf([split_words(text) for text in gallery])
    likeness = (bag([split_words(" ".join(own)) for own in items.captions])
                @ bag([split_words(text) for text in gallery]).T).toarray()                  # (N, M)
    return [gallery[j] for j in (likeness + 2 * right).argmax(1)]


def add_captions(report, part, items, gallery, told):
    """Add how good retrieved captions are, beside baselines and the gallery's oracle.

    Parameters
    ----------
    report : Report
    part : str
        "test/captioning".
    items : Items
    gallery : list of str
    told : dict of str to list of str
        By system, ours first, a caption for each picture.

    Returns
    -------
    Results
        With the oracle as a system of its own.
    """
    told = told | {"oracle": oracle_captions(items, gallery)}
    results = Results(part, {name: scored(captions, items.captions, items.scenes) for name, captions in told.items()},
                      "pictures", hidden=("bleu1", "bleu2", "bleu3"), ways=("oracle",))
    results.add_to(report, "Captioning by retrieval", (
        f"The nearest of {len(gallery)} training captions. Retrieval writes nothing: what the gallery does not hold "
        "cannot be said. Oracle: a right caption wherever the gallery has one, else the one most like the references. "
        "No retrieval can do better."))
    return results
