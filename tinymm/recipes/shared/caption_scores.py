"""How good captions are, written or retrieved: truth of known scenes, exact match, n-gram metrics."""

import numpy as np

from ...data import judge
from ...data.shapes.language import parse
from ...metrics import caption_scores, exact_match
from .results import Scores

__all__ = ["is_right", "scored", "things_right"]


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


def things_right(caption, scene):
    """The share of a scene's things that a caption names rightly, from 0 to 1; of its own mentions, if they are more.

    A thing is named rightly by its colour and its shape, and no wrong size. Where hardly any caption is true as a
    whole, this still tells two captioners apart.

    Examples
    --------
    >>> from tinymm.data.shapes.scene import Scene, Thing
    >>> scene = Scene((Thing("red", "circle", "small", x=0.2, y=0.3, radius=0.11),
    ...                Thing("blue", "cross", "large", x=0.7, y=0.3, radius=0.2)))
    >>> [things_right(caption, scene) for caption in ("a red circle left of a green cross", "a red circle", "red a")]
    [0.5, 0.5, 0.0]
    """
    reading = parse(caption)
    if reading is None:
        return 0.0
    mentions = judge(caption, scene).claims[:len(reading.mentions)]      # the mentions come first
    return sum(holds for _, holds in mentions) / max(len(scene.things), len(mentions))
