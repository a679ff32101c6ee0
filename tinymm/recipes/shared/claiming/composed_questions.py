"""easy-VQA by what its pictures show, so that pairs of a colour and a shape can be held out of training.

No file says what a picture shows, but its questions do: "what color is the triangle?" blue. "is there a red shape?" no.
Each leaves fewer colours and shapes that it can be.
"""

import re
from dataclasses import dataclass

import numpy as np

from ....data import held_out_compositions, random_split
from ....data.questions import read_easy_vqa
from ..options import require

__all__ = ["KINDS", "ComposedQuestions", "kinds_of", "things_shown"]

SIDE = 32  # pixels to which pictures are scaled
HELD_OUT = 0.25  # of the pictures, about: those of the pairs that training lacks
PARTS = {"train": 0.75, "val": 0.1, "test": 0.15}  # shares of the pictures of seen pairs
FEWEST = 20  # pictures
YES_NO, NEGATIONS = {"yes", "no"}, {"no", "not"}
KINDS = YES_OR_NO, COLOUR, SHAPE = "yes or no", "colour", "shape"  # that a question asks for


@dataclass(frozen=True)
class ComposedQuestions:
    """Questions by part, "train", "val", "test" and "held_out": of the last, training has no picture of the same pair.

    Attributes
    ----------
    parts : dict of str to Questions
        Every picture is in one of them. Where the folder has a test of its own, "test" and "held_out" are of that.
    pairs : tuple of (str, str)
        The colour and the shape of each pair that is held out.
    left_out : int
        Pictures whose questions do not tell what they show, or contradict each other; they are in no part.
    """

    parts: dict
    pairs: tuple
    left_out: int

    @classmethod
    def read(cls, directory, rng):
        """A folder of easy-VQA; `rng` draws the pairs and the parts.

        Raises
        ------
        ValueError
            As `read_easy_vqa`, or if there are no pairs that can be held out.
        """
        read = read_easy_vqa(directory, SIDE)
        sources = {name: read[name] for name in ("train", "test") if name in read}
        words = _words(sources["train"])
        things = {name: things_shown(own, *words) for name, own in sources.items()}
        shown = [things["train"][image] for image in sorted(things["train"])]
        require(all(len(set(own)) > 1 for own in zip(*shown)) and len(shown) >= FEWEST, directory,
                f"must tell of {FEWEST} pictures of two colours and two shapes or more", f"{len(shown)} that are told")
        pairs = {shown[row] for row in held_out_compositions(shown, HELD_OUT, rng)[1]}
        parts = {name: source.part(np.flatnonzero(np.isin(source.images, images)))
                 for name, (source, images) in _divided(sources, things, pairs, rng).items()}
        for name, part in parts.items():
            require(len(part), directory, f"must leave a picture for {name}", f"{len(shown)} that are told")
        pictures = sum(len(set(own.images.tolist())) for own in sources.values())
        return cls(parts, tuple(sorted(pairs)), pictures - sum(map(len, things.values())))


def _divided(sources, things, pairs, rng):
    """By part where its pictures are from, and their numbers."""
    seen, held = ({name: np.array([image for image, pair in sorted(own.items()) if (pair in pairs) == is_held], int)
                   for name, own in things.items()} for is_held in (False, True))
    last = "test" if "test" in sources else "train"                      # where the new pairs are from
    shares = PARTS if last == "train" else {"train": PARTS["train"] + PARTS["test"], "val": PARTS["val"]}
    rows = random_split(len(seen["train"]), tuple(shares.values()), rng)
    own = {name: ("train", seen["train"][part]) for name, part in zip(shares, rows)}
    chosen = {"test": (last, seen[last])} | own | {"held_out": (last, held[last])}
    return {name: (sources[source], images) for name, (source, images) in chosen.items()}


def _words(questions):
    """The colours and the shapes that are answers: two sorted tuples of str."""
    asked = [(_is_about_colour(text), answer) for text, answer in zip(questions.texts, questions.answers)
             if answer not in YES_NO]
    return tuple(tuple(sorted({answer for about_colour, answer in asked if about_colour == wanted}))
                 for wanted in (True, False))


def _is_about_colour(text):
    return not {"color", "colour"}.isdisjoint(_split(text))


def _split(text):
    return set(re.findall(r"\w+", text.lower()))


def things_shown(questions, colours, shapes):
    """What each picture shows, if its questions tell one colour and one shape: dict of int to (colour, shape).

    Parameters
    ----------
    questions : Questions
    colours, shapes : sequence of str

    Examples
    --------
    >>> from tinymm.data.questions import Questions
    >>> asked = Questions(["is there a red shape?", "what shape is present?", "is there not a blue shape?"],
    ...                   ["no", "circle", "yes"], np.array([0, 0, 1]), (3, 4, 4), None)
    >>> things_shown(asked, ("blue", "red"), ("circle",))
    {0: ('blue', 'circle'), 1: ('red', 'circle')}
    """
    possible = {}
    for text, answer, image in zip(questions.texts, questions.answers, questions.images.tolist()):
        words = _split(text)
        left = possible.setdefault(image, (set(colours), set(shapes)))
        for own, every in zip(left, (set(colours), set(shapes))):
            named = words & every
            if answer not in YES_NO:
                named |= {answer} & every                                # "what is the blue shape?" triangle
                own &= named or every
            elif len(words & {*colours, *shapes}) == 1 and named:        # of two words, a "no" may be about either
                is_there = (answer == "yes") == words.isdisjoint(NEGATIONS)
                own &= named if is_there else every - named
    return {image: tuple(next(iter(own)) for own in left) for image, left in possible.items()
            if all(len(own) == 1 for own in left)}


def kinds_of(questions):
    """What each question asks for: a list of `KINDS`."""
    return [YES_OR_NO if answer in YES_NO else COLOUR if _is_about_colour(text) else SHAPE
            for text, answer in zip(questions.texts, questions.answers)]
