"""Scenes to pre-train on, and apart from them those that the tasks learn from and are tested on."""

from ....data import QuestionsWorld, ShapesWorld, draw_shapes, normalise
from ..asked import drawn_questions
from ..captioned import Captioned
from ..paired import MODALITIES, drawn_items

__all__ = ["apart", "captioned_scenes", "labelled_shapes", "questioned_scenes", "scenes_to_pre_train_on"]

PRE_TRAINING, CAPTIONS, SHAPES = range(3)  # every purpose has random numbers of its own; questions have (1, part)


def scenes_to_pre_train_on(run, val):
    """Captioned scenes of seen pairs by part, "train", some of them of one thing, and so many for "val": Items."""
    parts, _ = drawn_items(run.rng(2, PRE_TRAINING), MODALITIES[:2])
    return {"train": parts["train"], "val": parts["val"].rows(range(min(val, len(parts["val"]))))}


def captioned_scenes(run, counts, known):
    """Captioned scenes by part, none with a caption that was pre-trained on.

    Parameters
    ----------
    run : Run
    counts : dict of str to int
        Scenes of each part that are drawn; about a third has a caption that is known, and is left out.
    known : dict of str to Items
        What was pre-trained on.
    """
    world, rng = ShapesWorld(), run.rng(2, CAPTIONS)
    texts = {normalise(caption) for part in known.values() for own in part.captions for caption in own}
    parts = {}
    for name, count in counts.items():
        scenes = world.sample(count, rng, "held_out" if name == "test/held_out" else "seen")
        pixels = world.render(scenes, rng)
        parts[name] = apart(Captioned(lambda rows, pixels=pixels: pixels[rows], world.captions(scenes, rng), scenes),
                            texts)
    return parts


def apart(part, texts):
    """The pictures of a part of whose captions none is among some texts, which are in their normal form."""
    kept = [i for i, own in enumerate(part.captions) if texts.isdisjoint(map(normalise, own))]
    return part.rows(kept)


def questioned_scenes(run, counts, each):
    """Scenes with questions by part; a question is no caption, and every scene is new."""
    return drawn_questions(QuestionsWorld(), counts, run, each)[0]


def labelled_shapes(run, counts):
    """Pictures of one shape by part, of any colour, with its class."""
    rng = run.rng(2, SHAPES)
    return {name: draw_shapes(count, rng) for name, count in counts.items()}
