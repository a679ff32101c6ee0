"""Hidden colours of the shapes world: what the rest of the text can tell of them, and what the model makes of it.

Next to a caption of another scene the text tells no more than the caption itself, next to another caption of the same
scene it tells all: each caption mentions every thing once. Scenes are drawn independently of all training scenes, so
that these limits hold for every reader of text, whatever it was trained on.
"""

import numpy as np

from .... import functional as F
from ....data import HIDDEN, hidden_colours, possible_colours, pack_pair, pad_packed, pieces_by_word
from ....data.shapes.scene import COLOURS
from ..prediction import over_batches
from ..results import OURS, Scores

__all__ = ["BESIDE", "colour_scores"]

BESIDE = {  # what stands beside the caption with the hidden colour: caption k of scene i, and the limit
    "alone": "nothing",
    "beside_another_scene": "a caption of another scene",
    "beside_the_same_scene": "another caption of the same scene",
}


def colour_scores(model, tokens, captions, seen, positions):
    """Scores of hidden colours, by what stands beside the caption: dict of str to dict of str to Scores.

    Parameters
    ----------
    model : BertForPreTraining
    tokens : WordTokenizer
    captions : list of list of str
        Of each scene two or more; a colour is hidden in the first.
    seen : sequence of (colour, shape)
        Of which scenes are made.
    positions : int
    """
    items = [(row, *hidden) for row, group in enumerate(captions) for hidden in hidden_colours(group[0])]
    truth = np.array([COLOURS.index(colour) for *_, colour in items])
    told = np.array([1 / len(possible_colours(caption, seen)) for _, caption, _, _ in items])
    beside = {"alone": lambda row: None, "beside_another_scene": lambda row: captions[row - 1][1],
              "beside_the_same_scene": lambda row: captions[row][1]}
    commonest = np.bincount([COLOURS.index(colour) for group in captions for caption in group[1:]
                             for *_, colour in hidden_colours(caption)]).argmax()
    found = {}
    for name, second in beside.items():
        packed = [_packed(tokens, caption, second(row), positions) for row, caption, _, _ in items]
        said = _said(model, tokens, *pad_packed(packed)[:3], np.array([1 + place for _, _, place, _ in items]))
        ceiling = np.ones(len(items)) if name == "beside_the_same_scene" else told
        found[name] = {OURS: Scores({"accuracy": said == truth}),
                       "commonest colour": Scores({"accuracy": truth == commonest}),
                       "ceiling": Scores({"accuracy": ceiling})}
    return found


def _packed(tokens, caption, second, positions):
    before, after = caption.split(HIDDEN)
    words = [*pieces_by_word(tokens, before), [len(tokens)], *pieces_by_word(tokens, after)]
    return pack_pair(words, None if second is None else pieces_by_word(tokens, second), positions)


def _said(model, tokens, ids, mask, segments, places):
    """The likeliest word at one place of each row, as the number of its colour; -1 for another word."""
    colour = np.full(len(tokens) + 1, -1)
    colour[[tokens.ids[name] for name in COLOURS]] = np.arange(len(COLOURS))

    def answer(rows):
        features = model.bert(ids[rows], mask[rows], segments[rows]).sequence
        return colour[model.words(features[np.arange(len(rows)), places[rows]]).data.argmax(-1)]

    return np.array(over_batches(model, len(ids), 64, answer))
