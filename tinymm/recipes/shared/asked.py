"""Questions about pictures or clips, for the recipes that answer them: drawn, kept small, shown in a report."""

import numpy as np

from ...data import group_split, pad_batch
from ...data.questions import Questions
from ...viz import Example
from .answering import Examples
from .inside import Picture, Sentence
from .results import OURS

__all__ = ["add_gallery", "add_kinds", "asked_examples", "asked_views", "drawn_questions", "split_by_picture"]

BLOCK = 500  # pictures or clips that are made at a time


def drawn_questions(world, counts, run, each):
    """Questions of an embedded world by part, and the kinds of those of "test".


    Parameters
    ----------
    world : QuestionsWorld or MovingWorld
    counts : dict of str to int
        Part to how many scenes.
    run : Run
        Whose seed they are drawn from.
    each : int
        How many questions about each scene of training; elsewhere it is one.

    Returns
    -------
    parts : dict of str to Questions
    kinds : list of str
    """
    parts, kinds = {}, None
    for k, (name, count) in enumerate(counts.items()):
        rng = run.rng(1, k)
        times = each if name == "train" else 1
        seen, texts, told, of = zip(*world.sample(count, rng, "held_out" if name == "test/held_out" else "seen", times))
        pixels = np.concatenate([_at_8_bits(world.render(seen[::times][start:start + BLOCK], rng))
                                 for start in range(0, count, BLOCK)])
        parts[name] = Questions(list(texts), list(told), np.repeat(np.arange(count), times), size=pixels.shape[1:],
                                load=lambda numbers, pixels=pixels: pixels[numbers] / np.float32(255))
        kinds = list(of) if name == "test" else kinds
    return parts, kinds


def split_by_picture(part, share, rng):
    """Two parts of a part, every picture with all its questions in one of them: what stays, and a share of it."""
    rest, held = group_split(part.images.tolist(), (1 - share, share), rng)
    return part.part(rest), part.part(held)


def asked_examples(part, words, names):
    """Questions and pictures, or clips, as encoders take them; what is seen is kept at 8 bits a channel.

    Parameters
    ----------
    part : Questions
    words : WordTokenizer
    names : sequence of str
        The answers there are; a question whose answer is none of them has the label -1.
    """
    numbers, place = np.unique(part.images, return_inverse=True)
    stored = np.concatenate([_at_8_bits(part.load(numbers[start:start + BLOCK]))
                             for start in range(0, len(numbers), BLOCK)])
    ids = [words.encode(text) for text in part.texts]

    def inputs(rows, rng):
        text, mask = pad_batch([ids[i] for i in rows.ravel()])
        seen = place[rows.reshape(len(rows), -1)[:, 0]]
        return (text, stored[seen].astype(np.float32) / np.float32(255)), (mask, None)

    return Examples(inputs, part.labels(names), shared=place)


def _at_8_bits(pixels):
    return np.rint(pixels * 255).astype(np.uint8)


# The report -------------------------------------------------------------------------------------------------------


def add_kinds(report, answered, kinds, labels):
    """Kind by kind: ours and the question alone."""
    right = answered.p["test"].argmax(1) == labels
    blind = answered.results[0].systems.get("question only")
    rows, more = [], {}
    for kind in dict.fromkeys(sorted(kinds)):
        of_kind = np.array([own == kind for own in kinds])
        rows.append([kind, int(of_kind.sum()), float(right[of_kind].mean()),
                     "" if blind is None else float(blind.each["accuracy"][of_kind].mean())])
        more[f"test/{kind}/accuracy"] = rows[-1][2]
    report.heading("Kind by kind")
    report.table(rows, ["kind", "questions", OURS, "question only"])
    return more


def add_gallery(report, answered, asked, labels, names, picture_of):
    """The first questions answered right, and the first answered wrong; `picture_of` draws what is asked about."""
    guesses = answered.p["test"].argmax(1)
    report.heading("Answers")
    for wanted, title in ((True, "right"), (False, "wrong")):
        rows = np.flatnonzero((guesses == labels) == wanted)
        if len(rows):
            pictures = asked.load(asked.images[rows[:8]])
            report.gallery([Example(picture_of(picture), f"{asked.texts[i]} {names[guesses[i]]}",
                                    (asked.answers[i],), wanted) for i, picture in zip(rows, pictures)],
                           caption=f"The first of {len(rows)} questions answered {title}.")


def asked_views(answered, asked, words, names, grid):
    """For `add_inside`: a question's title, its words, and what it is about, with the grid of the encoder's regions.

    Parameters
    ----------
    answered : Answered
    asked : Questions
        Of the test.
    words : WordTokenizer
    names : sequence of str
        Of the answers.
    grid : tuple of int
        As of `Picture`.
    """
    _, seen = answered.model.encoders

    def views(i):
        told = Sentence([words.words[k] for k in words.encode(asked.texts[i])])
        answer = names[answered.p["test"][i].argmax()]
        (pixels,) = asked.load(asked.images[i:i + 1])
        return f"{asked.texts[i]} {answer}.", {"question": told, seen: Picture(pixels, grid)}

    return views
