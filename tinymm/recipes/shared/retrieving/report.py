"""The test of `retrieval` and its report: searches both ways, what was found, captions, classes, the order of words."""

from dataclasses import replace
from functools import partial

import numpy as np

from ....mapping import caption_from_gallery
from ....metrics import dot_products
from ....viz import Example
from ..bags import baseline_spaces, ridge
from ..captioned import nearest_images
from .training import scale_of
from ..paired import distinct, right_texts
from ..results import OURS, Results
from .captions import add_captions, caption_gallery
from .searches import Answers, Search, Space, chance, embed_images, embed_sounds, embed_texts, scored, searches
from .space import add_space
from .word_order import add_word_order
from .zero_shot import add_zero_shot

__all__ = ["write_report"]

TITLES = {"test": "unseen pictures", "test/held_out": "combinations never seen together"}
SHOWN = 4  # pictures, and texts, whose nearest ones are shown
NEAREST = 5
MAPPED = "trained map"
KNOWN = 2000  # recordings that it learns from


def write_report(run, towers, tokens, parts, title="Retrieval in one space"):
    """Test the towers on every test part, write the report under a title, return the metrics."""
    train, tests = parts["train"], {name: part for name, part in parts.items() if name.startswith("test")}
    baselines, to_bags = baseline_spaces(train, parts["val"], tests, nearest_images)
    to_vectors = partial(embed_texts, towers, tokens)
    to_words = _trained_map(towers, to_vectors, train) if train.sounds else None
    gallery = caption_gallery(train)
    gallery_vectors = to_vectors(gallery)
    report = run.report(title, f"Trained on {len(train)} pictures")
    results, metrics = [], {}
    for name, part in tests.items():
        ours = Space.of_towers(towers, tokens, part)
        answers = Answers.of(ours)
        shift = 1 + int(run.rng(4).integers(max(1, len(part) - 1)))      # no picture keeps its place
        spaces = {OURS: ours, **baselines[name], "shuffled pictures": ours.shifted(shift)}
        if "speech" in ours.vectors:
            moved = {"speech": to_words(ours.vectors["speech"])}
            spaces[MAPPED] = replace(ours, vectors=ours.vectors | moved)
        results += _add_searches(report, name, spaces, answers)
        if part.scenes is None:
            results.append(_add_whole_folder(report, name, spaces, parts, to_vectors, to_bags))
        _add_nearest(report, ours, answers)
        results.append(_add_found_captions(report, name, spaces, train, gallery, gallery_vectors))
        pairs, kinds = add_word_order(report, f"{name}/word_order", part, ours.vectors["image"], to_vectors, run.rng(8))
        results += pairs
        metrics |= kinds
        if name == "test":
            metrics |= add_space(report, "test/space", ours.vectors["image"], ours.vectors["text"],
                                 answers.right["image", "text"], scale_of(towers))
    if tests["test"].scenes is not None:
        classes, more = add_zero_shot(report, "test/zero_shot", partial(embed_images, towers), to_vectors, run.rng(9))
        results += classes
        metrics |= more
    return run.finish(report, results, metrics)


def _add_found_captions(report, name, spaces, train, gallery, vectors):
    """Captions by retrieval, of our space and of that with the pictures exchanged: as `add_captions`."""
    items = spaces[OURS].items
    told = {system: caption_from_gallery(spaces[system].vectors["image"], vectors, gallery)
            for system in (OURS, "shuffled pictures")}
    told["nearest neighbour"] = [train.captions[i][0] for i in nearest_images(train, items.all_images())]
    return add_captions(report, f"{name}/captioning", items, gallery, told)


def _trained_map(towers, to_vectors, train):
    """From where recordings are to where the words are that they say, learned by ridge regression from pairs of both.

    This is what the towers were never shown: a ceiling for what they find by way of pictures.
    """
    known = sorted(train.sounds)[:KNOWN]
    heard = embed_sounds(towers, [train.sounds[i] for i in known])
    line = ridge(heard, to_vectors([train.spoken[i] for i in known]), 0.01)

    def moved(vectors):
        told = line(vectors)
        return (told / np.linalg.norm(told, axis=1, keepdims=True)).astype(vectors.dtype)

    return moved


def _add_searches(report, name, spaces, answers):
    """Every search by every system: list of Results."""
    found = {system: searches(space, answers) for system, space in spaces.items()}
    results = []
    for k, ours in enumerate(found[OURS]):
        was_trained = "image" in ours.name
        scores = {system: scored(own[k], "against" if system == OURS else "expected") for system, own in found.items()
                  if not (was_trained and system == MAPPED)}
        results.append(Results(f"{name}/{ours.name}", scores | {"chance": chance(ours)}, "queries",
                               ("median_rank", "mean_rank"), ways=(MAPPED,)))
        results[-1].add_to(report, f"{TITLES[name].capitalize()}: {ours.name.replace('_', ' ')}", (
            f"A gallery of {ours.right.shape[1]}, of which {ours.right.sum(1).mean():.1f} are right for a query on "
            "average; the rank is that of the first right one. What is as near as it stands before it; for the "
            "baselines, in random order. Ridge: words regressed from pixels or sound; nearest neighbour: the words of "
            "the training picture or recording nearest; chance: a gallery in random order, exactly."))
        if not was_trained:
            report.text("These two modalities were never trained on each other: what is found here came about by way "
                        "of the pictures. Two of the others were: ridge has learned words from recordings, and the "
                        f"{MAPPED}, a linear one, leads from where our recordings lie to where their words do.")
    return results


def _add_whole_folder(report, name, spaces, parts, to_vectors, to_bags):
    """Pictures of the test in a gallery of all captions of the folder, those of training too: Results."""
    texts = distinct(text for part in parts.values() for own in part.captions for text in own)
    right = right_texts(spaces[OURS].items, texts)
    scores = {}
    for system, embed in ((OURS, to_vectors), ("ridge", to_bags)):
        similarity = dot_products(spaces[system].vectors["image"], embed(texts).astype(np.float32))
        search = Search("", np.arange(len(right)), similarity, right)
        scores[system] = scored(search, "against" if system == OURS else "expected")
    results = Results(f"{name}/whole_folder/image_to_text", scores | {"chance": chance(search)}, "queries",
                      ("median_rank", "mean_rank"))
    results.add_to(report, "A gallery of all texts of the folder", (
        f"The same pictures among {len(texts)} texts, most of which training has seen with other pictures."))
    return results


def _add_nearest(report, space, answers):
    """For some pictures the nearest texts, and for some texts the nearest pictures; the right ones marked."""
    texts, right = space.texts["text"], answers.right["image", "text"]
    cosines = space.vectors["image"] @ space.vectors["text"].T
    shown = np.unique(np.linspace(0, len(space.items) - 1, SHOWN).astype(int))
    report.heading("The nearest texts of some pictures")
    examples = []
    for i, picture in zip(shown, space.items.images(shown)):
        best = np.argsort(-cosines[i], kind="stable")[:NEAREST]
        told = tuple(f"{'✓' if right[i, j] else '✗'} {texts[j]}" for j in best[1:])
        examples.append(Example(picture, texts[best[0]], told, bool(right[i, best[0]])))
    report.gallery(examples, caption="The nearest text, then the next four; ✓ marks those that are right.")
    report.heading("The nearest pictures of some texts")
    for j in np.unique(np.linspace(0, len(texts) - 1, SHOWN).astype(int)):
        best = np.argsort(-cosines[:, j], kind="stable")[:NEAREST]
        pictures = space.items.images(best)
        report.text(f"Asked for: {texts[j]}")
        report.gallery([Example(picture, f"{cosines[i, j]:.2f}", (), bool(right[i, j]))
                        for picture, i in zip(pictures, best)], caption="The nearest five, with their cosines.")
