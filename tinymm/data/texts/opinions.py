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
# A slot may hold "not": at ~ it turns the verdict round, at ^ it belongs to something else.
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
    """Draw sentences of which no two have the same words.

    Parameters
    ----------
    n : int
        At most 10,000, for there are not many more plain ones.
    rng : numpy.random.Generator

    Returns
    -------
    list of Opinion
        Each is open with probability 0.6, "scope" and "contrast" alike.

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
    opinions, seen = [], set()
    for _ in range(n):
        kind = "plain" if rng.random() >= OPEN_SHARE else ("scope", "contrast")[rng.integers(2)]
        # which sentences are thrown away depends on their bags alone, so the labels stay as fair as they are
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

    Whatever it was trained on: no two sentences share their bag, and given its bag the label of an open one is a fair
    coin, of which it guesses half. The bag of a plain sentence tells its label: each negation turns the verdict round.

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
    thing, other = rng.choice(THINGS, 2, replace=False)
    words = {"thing": thing, "other": other, "degree": _one(DEGREES, rng), "degree2": _one(DEGREES, rng),
             "act": _one(ACTS, rng), "aside": _one(ASIDES, rng)}
    good = int(rng.integers(2))  # whether the (first) quality is
    words["quality"], words["opposite"] = (_one(kinds, rng) for kinds in ((GOOD, BAD) if good else (BAD, GOOD)))
    if kind == "contrast":
        first_negated = int(rng.integers(2))  # one of the two qualities, by a fair coin, and both clauses agree
        return Opinion(_said(CONTRAST, {1 - first_negated}, words), good ^ first_negated, kind)
    template = _one(PLAIN if kind == "plain" else SCOPE, rng)
    slots = [sign for sign in template if sign in "~^"]
    label = int(rng.integers(2))  # before the negations are placed, so that it depends neither on their number ...
    if kind == "plain":
        count = int(rng.integers(len(slots) + 1))
        label = good ^ count % 2
    else:
        # ... nor their number on it; both labels can be said with any of these
        count = int(rng.integers(1, len(slots)))
    ways = [way for way in combinations(range(len(slots)), count)
            if good ^ sum(slots[i] == "~" for i in way) % 2 == label]
    return Opinion(_said(template, set(ways[rng.integers(len(ways))]), words), label, kind)


def _said(template, negated, words):
    """The template with "not" in the slots of these numbers."""
    parts, slot = [], 0
    for sign in template:
        parts.append(("not " if slot in negated else "") if sign in "~^" else sign)
        slot += sign in "~^"
    return "".join(parts).format(**words)


def _one(options, rng):
    return options[rng.integers(len(options))]
