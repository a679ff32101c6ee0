"""Pages of the report of a masked language model: guesses, every head of every layer, what colours can be known."""

import numpy as np

from ....autograd import no_grad
from ....data import UNCHOSEN, ShapesWorld, enumerated_ceiling
from ....nn import record_attention

__all__ = ["add_attention", "add_ceilings", "add_guesses", "shown_words"]

SENTENCES = 8  # whose hidden words are shown
LONGEST = 24  # tokens of the text over which heads are shown
NAMES = {0: "<pad>", 1: "[CLS]", 2: "[SEP]"}


def shown_words(tokens, ids):
    """The tokens of a row by name, [CLS], [SEP] and <mask> as BERT calls them."""
    return [NAMES.get(i, tokens.words[i] if i < len(tokens) else "<mask>") for i in map(int, ids)]


def add_guesses(report, tokens, batch, p):
    """Sentences with hidden words, and for each of these the five likeliest; `p` (M, V) in the labels' order."""
    report.heading("Hidden words, and what was guessed")
    chosen = batch.labels != UNCHOSEN
    first = np.concatenate([[0], np.cumsum(chosen.sum(1))])
    for row in np.linspace(0, len(chosen) - 1, min(SENTENCES, len(chosen))).astype(int):
        report.text(" ".join(word.strip() for word in shown_words(tokens, batch.shown[row][batch.mask[row]])))
        lines = []
        for place, own in zip(np.flatnonzero(chosen[row]), p[first[row]:first[row + 1]]):
            true, shown = batch.labels[row, place], batch.shown[row, place]
            how = "hidden" if shown == len(tokens) else "left" if shown == true else f"shown as {tokens.words[shown]}"
            best = np.argsort(-own, kind="stable")[:5]
            guesses = ", ".join(f"{name.strip()} {own[i]:.2f}" for i, name in zip(best, shown_words(tokens, best)))
            lines.append([tokens.words[true].strip(), how, "yes" if best[0] == true else "no", guesses])
        if lines:
            report.table(lines, ["word", "it was", "right", "five likeliest"])


def add_attention(report, model, tokens, batch):
    """Every head of every layer over one text: who looks at whom."""
    lengths = batch.mask.sum(1)
    short = np.flatnonzero(lengths <= LONGEST)
    row = int(short[lengths[short].argmax()]) if len(short) else int(lengths.argmin())
    own = batch.mask[row]
    names = [name.strip() or name for name in shown_words(tokens, batch.shown[row][own])]
    with record_attention(model.eval()) as maps, no_grad():
        model.bert(batch.shown[row:row + 1, own], None, batch.segments[row:row + 1, own])
    report.heading("Every head of every layer")
    report.text("Each row is a word and what it looks at: its weights sum to 1 within a head. " + " ".join(names))
    for layer, (weights,) in enumerate(maps.values(), 1):
        report.heads(weights[0], names, names, f"Layer {layer} of {len(maps)}.")


def add_ceilings(report):
    """What a caption alone tells of a hidden colour, exactly, by the number of things and whether sizes are told."""
    world = ShapesWorld()
    rows = [[f"{things} things", *(enumerated_ceiling(world, things, sized) for sized in (True, False))]
            for things in (2, 3)]
    report.table(rows, ["scene", "sizes are told", "they are not"], (
        "The ceilings above: a pair of a colour and a shape is drawn at most once in a scene, all pairs that were seen "
        "are equally likely, and “an” stands before orange. The accuracy of the best guess of a hidden colour from the "
        "rest of its caption, by enumeration of all scenes. Another caption of the scene names all its colours."))
