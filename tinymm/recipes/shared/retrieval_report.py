"""The test of `retrieval` and its report: searches both ways, what was found, captions, the order of words."""

from functools import partial

import numpy as np

from ...metrics import dot_products
from ...viz import Example
from ..captioning import nearest_images
from .bags import baseline_spaces
from .paired import distinct, right_texts
from .results import OURS, Results
from .retrieval_captions import add_captions, caption_gallery
from .retrieved import Answers, Space, chance, embed_texts, scored, searches, whole_gallery
from .word_order import add_word_order

__all__ = ["write_report"]

TITLES = {"test": "unseen pictures", "test/held_out": "combinations never seen together"}
SHOWN = 4  # pictures, and texts, whose nearest ones are shown
NEAREST = 5
HIDDEN = ("recall_at_10",)


class Tested:
    """One part of the test in our space and in those of the baselines.

    Parameters
    ----------
    name : str
        "test".
    items : Items
    spaces : dict of str to Space
        By system, ours first.
    """

    def __init__(self, name, items, spaces):
        self.name, self.items, self.spaces = name, items, spaces
        self.answers = Answers.of(spaces[OURS])
        self.found = {system: searches(space, self.answers) for system, space in spaces.items()}

    def results(self):
        """A Results of each search."""
        for k, search in enumerate(self.found[OURS]):
            yield _results(f"{self.name}/{search.name}", {system: own[k] for system, own in self.found.items()})


def _results(part, found):
    """Results of one search by several systems, and what chance would find."""
    scores = {system: scored(search, "against" if system == OURS else "expected") for system, search in found.items()}
    return Results(part, scores | {"chance": chance(found[OURS])}, "queries", ("median_rank", "mean_rank"))


def write_report(run, towers, tokens, parts):
    """Test the towers on every test part, write the report, return the metrics."""
    train = parts["train"]
    items = {name: part for name, part in parts.items() if name.startswith("test")}
    baselines = baseline_spaces(train, parts["val"], items, nearest_images)
    report = run.report("Retrieval in one space", f"Trained on {len(train)} pictures")
    gallery = caption_gallery(train)
    gallery_vectors = embed_texts(towers, tokens, gallery)
    every_text = distinct(text for part in parts.values() for own in part.captions for text in own)
    results, metrics = [], {}
    for name, part in items.items():
        ours = Space.of_towers(towers, tokens, part)
        shift = 1 + int(run.rng(4).integers(max(1, len(part) - 1)))     # no picture keeps its place
        tested = Tested(name, part, {OURS: ours, **baselines[name], "shuffled pictures": ours.shifted(shift)})
        for found in tested.results():
            _add(report, found, f"Test, {TITLES[name]}: {found.part.rpartition('/')[2].replace('_', ' ')}")
            results.append(found)
        if part.scenes is None:
            ...
        _add_found(report, tested)
        nearest = dot_products(ours.vectors["image"], gallery_vectors).argmax(1)
        told = [gallery[j] for j in nearest]
        captions, oracle = add_captions(report, f"{name}/captioning", part, gallery, {
            OURS: told, "nearest neighbour": [train.captions[i][0] for i in nearest_images(train, part.all_images())],
            "shuffled pictures": [told[(i + shift) % len(told)] for i in range(len(told))]})
        pairs, kinds = add_word_order(report, f"{name}/word_order", part, {
            OURS: (partial(embed_texts, towers, tokens), ours.vectors["image"]),
        }, run.rng(8))
        results += [captions, *pairs]
        metrics |= oracle | kinds
    return run.finish(report, results, metrics)
