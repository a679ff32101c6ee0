"""A small language of opinions in which it matters what a negation belongs to.

    plain      the plot was not really funny                       bad
               i do not think that the plot was not funny          good
    scope      the plot that i did see at home was not funny       bad
               the plot that i did not see at home was funny       good, with the same words
    contrast   the plot was not funny and the music was dull       bad
               the plot was funny and the music was not dull       good, with the same words

A sentence is open if its words leave the verdict open. Label and bag of an open sentence are drawn independently of
each other, which is what makes the limit of any bag of words exact: `bag_limit`.
"""

from itertools import combinations
from typing import NamedTuple

__all__ = ["Opinion", "bag_limit", "bag_of", "draw_opinions"]

THINGS = ("plot", "music", "film", "acting", "story", "ending", "dialogue", "cast", "script", "show", "book", "play",
          "song", "opening", "design", "humour")
GOOD = ("good", "funny", "great", "clever", "moving", "charming", "brilliant", "lovely", "fresh", "strong",
        "bright", "gripping")
BAD = ("bad", "dull", "awful", "silly", "boring", "clumsy", "weak", "tired", "flat", "slow", "grim", "noisy")
DEGREES = ("", "really ", "very ", "quite ", "so ", "especially ")
ACTS = ("see at home", "hear of last night", "choose for anna", "pay for", "follow to the end", "share with my sister",
        "read about before", "talk about", "look forward to", "want to miss")
ASIDES = ("sleep well", "have much time", "sit at the front", "know the author", "hear every word",
          "bring a friend", "pay much", "stay to the end", "read the notes", "go alone")
# A slot may hold "not": at ~ it reverses the verdict, at ^ it belongs to something else.
PLAIN = ("the {thing} was ~{degree}{quality}", "i do ~think that the {thing} was ~{degree}{quality}")
SCOPE = ("the {thing} that i did ^{act} was ~{degree}{quality}",
         "the {thing} was ~{degree}{quality} and i did ^{aside}",
         "i do ~think that the {thing} that i did ^{act} was ~{degree}{quality}")
CONTRAST = "the {thing} was ~{degree}{quality} and the {other} was ~{degree2}{opposite}"
OPEN_SHARE = 0.6


class Opinion(NamedTuple):
    """A sentence, whether its verdict is good (1) or bad (0), and its kind: "plain", "scope" or "contrast"."""

    text: str
    label: int
    kind: str


def draw_opinions(n, rng):
    """Draw sentences, no two of which have the same words.

    Parameters
    ----------
    n : int
        At most 10,000, since there are not many more plain sentences.
    rng : numpy.random.Generator

    Returns
    -------
    list of Opinion
        Each is open with probability 0.6: "scope" or "contrast", equally often.

    Raises
    ------
    ValueError
        If n is above 10,000.

    Examples
    --------
    >>> import numpy as np
    >>> for opinion in draw_opinions(2, np.random.default_rng(5)):
    ...     print(opinion)
    Opinion(text='i do think that the song was quite silly', label=0, kind='plain')
    Opinion(text='the humour that i did choose for anna was not quite silly', label=1, kind='scope')
    """
    if n > 10_000:
        raise ValueError(f"draw_opinions: n is at most 10,000, or plain sentences run out; got {n}")
    opinions = []
    seen = set()  # the bags of all sentences so far
    for _ in range(n):
        kind = "plain" if rng.random() >= OPEN_SHARE else ("scope", "contrast")[rng.integers(2)]
        # Whether a sentence is rejected depends on its bag alone, so the label of an open one remains a fair coin.
        while True:
            opinion = _draw(kind, rng)
            if bag_of(opinion.text) not in seen:
                break
        seen.add(bag_of(opinion.text))
        opinions.append(opinion)
    return opinions


def bag_of(text):
    """The words of a text without their order: a sorted tuple.

    Examples
    --------
    >>> bag_of("not good") == bag_of("good not")
    True
    """
    return tuple(sorted(text.split()))


def bag_limit(opinions):
    r"""The expected accuracy of the best classifier that sees only bags of words.

    $$ \frac{n_\text{plain} + \frac12 n_\text{open}}{n} $$

    This holds whatever it was trained on: no two sentences share a bag, and given its bag the label of an open sentence
    is a fair coin, which can be guessed half the time. The bag of a plain sentence tells its label, since each of its
    negations reverses the verdict.

    Parameters
    ----------
    opinions : sequence of Opinion

    Returns
    -------
    float

    Examples
    --------
    >>> bag_limit([Opinion("", 1, "plain"), Opinion("", 0, "scope"),
    ...            Opinion("", 1, "contrast"), Opinion("", 1, "scope")])
    0.625
    """
    return sum(1.0 if opinion.kind == "plain" else 0.5 for opinion in opinions) / len(opinions)


def _draw(kind, rng):
    """One sentence of a kind."""
    thing, other = rng.choice(THINGS, 2, replace=False)
    words = {"thing": thing, "other": other, "degree": _one(DEGREES, rng), "degree2": _one(DEGREES, rng),
             "act": _one(ACTS, rng), "aside": _one(ASIDES, rng)}
    good = int(rng.integers(2))  # whether the (first) quality is good
    words["quality"] = _one(GOOD if good else BAD, rng)
    words["opposite"] = _one(BAD if good else GOOD, rng)
    if kind == "contrast":
        # A fair coin decides which of the two opposite qualities is negated; then both clauses agree.
        first_negated = int(rng.integers(2))
        slot = 0 if first_negated else 1
        return Opinion(_filled(CONTRAST, {slot}, words), good ^ first_negated, kind)
    template = _one(PLAIN if kind == "plain" else SCOPE, rng)
    slots = [sign for sign in template if sign in "~^"]
    label = int(rng.integers(2))
    if kind == "plain":
        count = int(rng.integers(len(slots) + 1))  # of negations
        label = good ^ (count % 2)
    else:
        # Label and count are drawn independently; each of these counts can be placed so that it gives either label.
        count = int(rng.integers(1, len(slots)))
    ways = [way for way in combinations(range(len(slots)), count) if _verdict(good, slots, way) == label]
    return Opinion(_filled(template, set(ways[rng.integers(len(ways))]), words), label, kind)


def _verdict(good, slots, negated):
    """The label of a sentence with "not" in the slots of these numbers: each at ~ reverses it."""
    reversals = sum(slots[i] == "~" for i in negated)
    return good ^ (reversals % 2)


def _filled(template, negated, words):
    """The template with its words, and with "not" in the slots of these numbers."""
    parts = []
    slot = 0
    for character in template:
        if character not in "~^":
            parts.append(character)
            continue
        if slot in negated:
            parts.append("not ")
        slot += 1
    return "".join(parts).format(**words)


def _one(options, rng):
    return options[rng.integers(len(options))]
