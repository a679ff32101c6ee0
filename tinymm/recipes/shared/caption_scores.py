"""How good captions are, written or retrieved: truth of known scenes, exact match, n-gram metrics."""

import numpy as np

from ...data import judge
from ...metrics import caption_scores, exact_match
from .results import Scores

__all__ = ["is_right", "scored"]


def scored(captions, references, scenes=None):
    """Scores of some captions: truth, where the scenes are known, and exact match, of each; n-gram metrics of all."""
    each = {} if scenes is None else {
        "truth_accuracy": np.array([is_right(*pair) for pair in zip(captions, references, scenes)])}
    return Scores(each | {"exact_match": exact_match(captions, references)[1]}, caption_scores(captions, references))


def is_right(caption, references, scene=None):
    """Whether a caption counts as right: true and complete of its scene, or, without one, one of the references."""
    if scene is None:
        return bool(exact_match([caption], [references])[0])
    verdict = judge(caption, scene)
    return bool(verdict.true and verdict.complete)
