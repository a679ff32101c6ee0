"""Hidden colours of the shapes world: what the rest of the text can tell of them, and what the model makes of it.

Next to a caption of another scene the text tells no more than the caption itself, next to another caption of the same
scene it tells all: each caption mentions every thing once. Scenes are drawn independently of all training scenes, so
that these limits hold for every reader of text, whatever it was trained on.
"""

import numpy as np

from .... import functional as F
from ....data import pack_pair, pad_packed, pieces_by_word, possible_colours
from ....data.shapes.scene import COLOURS
from ..prediction import over_batches
from ..results import OURS, Scores

__all__ = ["BESIDE", "colour_scores"]

BESIDE = {  # what stands beside the caption with the hidden colour: caption k of scene i, and the limit
    "alone": "nothing",
    "beside_another_scene": "a caption of another scene",
    "beside_the_same_scene": "another caption of the same scene",
}


def colour_scores(model, tokens, captions, world, positions, paired):
    """Scores of hidden colours, by what stands beside the caption: dict of str to dict of str to Scores.

    Parameters
    ----------
    model : BertForPreTraining
    tokens : WordTokenizer
    captions : list of list of str
        Of each scene two or more; a colour is hidden in the first.
    world : ShapesWorld
        That the scenes are of.
    positions : int
    paired : bool
        Whether the model has learned to read two sentences; otherwise the caption stands alone.
    """
    items = [(row, group[0].split(), place) for row, group in enumerate(captions) for place in _colours_in(group[0])]
    truth = np.array([COLOURS.index(words[place]) for _, words, place in items])
    told = np.array([1 / len(possible_colours(words, place, world)) for _, words, place in items])
    beside = {"alone": lambda row: None, "beside_another_scene": lambda row: captions[row - 1][1],
              "beside_the_same_scene": lambda row: captions[row][1]}
    commonest = np.bincount([COLOURS.index(caption.split()[place]) for group in captions for caption in group[1:]
                             for place in _colours_in(caption)]).argmax()
    found = {}
    for name, second in beside.items() if paired else [("alone", beside["alone"])]:
        packed = [_packed(tokens, words, place, second(row), positions) for row, words, place in items]
        said = _said(model, tokens, *pad_packed(packed)[:3], np.array([1 + place for *_, place in items]))
        ceiling = np.ones(len(items)) if name == "beside_the_same_scene" else told
        found[name] = {OURS: Scores({"accuracy": said == truth}),
                       "commonest colour": Scores({"accuracy": truth == commonest}),
                       "ceiling": Scores({"accuracy": ceiling})}
    return found


def _colours_in(caption):
    """The places of the colours in a caption."""
    return [place for place, word in enumerate(caption.split()) if word in COLOURS]


def _packed(tokens, words, place, second, positions):
    """The caption with the word at a place hidden, and what stands beside it."""
    first = pieces_by_word(tokens, " ".join(words))
    first[place] = [len(tokens)]
    return pack_pair(first, None if second is None else pieces_by_word(tokens, second), positions)


def _said(model, tokens, ids, mask, segments, places):
    """The likeliest word at one place of each row, as the number of its colour; -1 for another word."""
    colour = np.full(len(tokens) + 1, -1)
    colour[[tokens.ids[name] for name in COLOURS]] = np.arange(len(COLOURS))

    def answer(rows):
        features = model.bert(ids[rows], mask[rows], segments[rows]).sequence
        return colour[model.words(features[np.arange(len(rows)), places[rows]]).data.argmax(-1)]

    return np.array(over_batches(model, len(ids), 64, answer))
