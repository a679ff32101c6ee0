"""The test and the report of `vilbert`: tables beside controls, what is filled in, a look inside."""

import numpy as np

from ....data import UNCHOSEN
from ....viz import Example
from ....viz.regions import boxed
from .asking import word_answers
from .inside import add_inside
from .testing import foil_metrics, results_of, text_ceiling

__all__ = ["write_report"]

FILLED = 8  # pictures in the gallery
TITLES = {"test": "Test: unseen pictures", "test/held_out": "Test: combinations never seen together"}
EXPLAINED = {
    "colours": "Each colour of a caption hidden, all other words shown. The same model beside another picture, and "
               "beside none, which it has never met in training.",
    "words": "Some words of a caption hidden at once. Neighbouring words: counts of the word between its two "
             "neighbours in training captions.",
    "alignment": "As many right captions as wrong ones. Bag of words: logistic regression on which word is there "
                 "beside which class of region.",
    "regions": "Each region hidden alone: KL(classifier ‖ model) in nats, and whether their likeliest classes agree. "
               "Prior: the mean of training.",
}


def write_report(run, model, untrained, tokens, names, parts, questioned, batches):
    """Test, write `metrics.json` and `report.html`, and return the metrics.

    Parameters
    ----------
    run : Run
    model, untrained : PairModel
        As trained, and as it began.
    tokens : WordTokenizer
    names : sequence of str
        Of the classes of regions.
    parts : dict of str to Captioned
    questioned : dict of str to Questioned
    batches : PairBatches
        Of training, for baselines.
    """
    kind = {"two": "two streams", "one": "one stream"}[run.options["streams"]]
    report = run.report(f"ViLBERT, {kind}", f"Trained on {len(parts['train'])} captioned pictures")
    results, more = [], {"parameters/trained": model.pairs.num_parameters()}
    for part in (name for name in parts if name.startswith("test")):
        asked = questioned[part]
        found = results_of(part, model.pairs, asked, batches)
        report.heading(TITLES[part])
        for own in found:
            question = own.part.rpartition("/")[2]
            own.add_to(report, f"Hidden {question}" if question != "alignment" else "Which belong together",
                       EXPLAINED[question])
        results += found
        if asked.scenes is not None:
            more |= _of_the_shapes_world(report, part, model.pairs, asked, tokens)
    asked = questioned["test"]
    _add_filled(report, model.pairs, tokens, parts["test"], asked)
    add_inside(report, model, untrained, tokens, names, parts["test"], asked)
    return run.finish(report, results, more)


def _of_the_shapes_world(report, part, model, asked, tokens):
    """The ceiling of whoever reads only, and captions that are nearly right."""
    ceiling, foils = text_ceiling(part, asked), foil_metrics(part, model, asked, tokens)
    (known,) = ceiling.values()
    report.text(f"Whoever reads only, and knows how scenes and captions are made, fills in {known:.3f} of these "
                "colours rightly, and no reader more: computed, not measured.")
    report.table([[name.split("/")[-2].replace("_", " "), value] for name, value in foils.items()],
                 ["caption with", "found to be wrong"],
                 "Captions that differ in little from a right one. Training's wrong captions are another picture's.")
    return ceiling | foils


def _add_filled(report, model, tokens, part, asked):
    """The first pictures with the words that were filled in."""
    guesses, _ = word_answers(model, asked.regions, asked.words)
    words, tiles, start = [*tokens.words, "[MASK]"], [], 0
    for i, labels in enumerate(asked.words.labels[:FILLED]):
        places = np.flatnonzero(labels != UNCHOSEN)
        own = guesses[start:start + len(places)]
        start += len(places)
        text = [words[number] for number in asked.words.ids[i][1:-1]]
        for place, guess in zip(places, own):
            text[place - 1] = f"[{words[guess]}]"
        picture = boxed(part.images(np.array([i]))[0], asked.regions.boxes[i][asked.regions.mask[i]])
        tiles.append(Example(picture, " ".join(text), (asked.captions[i][0],), bool((own == labels[places]).all())))
    report.heading("Filled in")
    report.gallery(tiles, f"The first {len(tiles)} pictures of the test; words in brackets were hidden, all at once.")
