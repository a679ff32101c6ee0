"""Scores of the captioner and of its baselines, on parts that training never saw."""

from collections import Counter

import numpy as np

from ...data import judge, truth_accuracy
from ...metrics import caption_scores, exact_match
from ...viz import format_table
from ..results import OURS
from .model import captions_of

__all__ = ["evaluate", "right", "scores", "shown", "table"]

SHOWN = ("truth_accuracy", "exact_match", "cider_d", "bleu4", "rouge_l")


def scores(said, references, scenes=None):
    """All metrics of some captions; `truth_accuracy` where the scenes are known."""
    found = caption_scores(said, references)
    if scenes is not None:
        found["truth_accuracy"] = truth_accuracy(said, scenes)
    return found


def evaluate(captioner, tokenizer, task, decoding, rng, say=lambda words: None):
    """Caption every test part with the model and with each baseline.

    Returns
    -------
    dict
        test part → system → {"captions": list of str, "scores": dict}; the first system is ours.
    """
    results = {}
    for name, part in task.tests.items():
        say(f"testing on {len(part)} images ({name}), beside the baselines ...")
        images = part.all_images()
        ours = captions_of(captioner, tokenizer, images, decoding, rng)
        others = rng.permutation(len(part))
        while len(part) > 1 and (others == np.arange(len(part))).any():  # nobody may keep their own image
            others = np.roll(others, 1) if (np.roll(others, 1) != np.arange(len(part))).all() \
                else rng.permutation(len(part))
        said = {
            OURS: ours,
            "modal caption": [_modal_caption(task.parts["train"])] * len(part),
            "nearest neighbour": _nearest_neighbours(task.parts["train"], images),
            "shuffled images": [ours[i] for i in others],
        }
        results[name] = {system: {"captions": captions, "scores": scores(captions, part.captions, part.scenes)}
                         for system, captions in said.items()}
    return results


def right(caption, references, scene=None):
    """Whether a caption counts as right: true and complete of its scene, or, without one, one of the references."""
    if scene is None:
        return bool(exact_match([caption], [references])[0])
    verdict = judge(caption, scene)
    return verdict.true and verdict.complete


def _modal_caption(train):
    """The commonest training caption: the best guess without an image."""
    return Counter(caption for group in train.captions for caption in group).most_common(1)[0][0]


def _nearest_neighbours(train, images, block=2000):
    """The first caption of the training image with the smallest squared distance ‖x − t‖² = ‖x‖² − 2x·t + ‖t‖²."""
    x = images.reshape(len(images), -1)
    best, nearest = np.full(len(x), np.inf, np.float32), np.zeros(len(x), int)
    for start in range(0, len(train), block):
        t = train.images(np.arange(start, min(start + block, len(train))))
        t = t.reshape(len(t), -1)
        distance = (t * t).sum(1) - 2 * (x @ t.T)
        closest = distance.argmin(1)
        value = distance[np.arange(len(x)), closest]
        nearest = np.where(value < best, start + closest, nearest)
        best = np.minimum(best, value)
    return [train.captions[i][0] for i in nearest]


def shown(systems):
    """system → the scores that tables show."""
    return {system: {metric: result["scores"][metric] for metric in SHOWN if metric in result["scores"]}
            for system, result in systems.items()}


def table(results, task):
    """The numbers as text, for the terminal."""
    blocks = []
    for part, systems in results.items():
        scores = shown(systems)
        rows = [[system, *values.values()] for system, values in scores.items()]
        blocks.append(f"\n{part} ({len(task.parts[part])} images)\n"
                      + format_table(rows, ["system", *next(iter(scores.values()))]))
    return "\n".join(blocks)
