r"""What may happen in a clip of the moving shapes, listed; and what can be known of it from less than all of it.

A script says for both things where they go, when they are there and when they are lit. All scripts that make an answer
true are equally likely, and none depends on where a thing begins, which is uniform over the torus for all that moves.

The best that can be known from an observation o(clip) is $\sum_o \max_a P(o, a)$, a sum over all scripts. Observed is
what shows: who is there, who is lit, and where things are relative to where they are in the other frames observed.

- One frame holds no other place, so it says nothing about directions: 1/4.
- Shuffled frames show a path without its sense. Played backwards, every script is one of another answer and equally
  likely: of the directions 1/2 remains. Of the order of two things it is hardly more, since not all pairs of things are
  equally frequent.
- Each flashing thing is lit in three of the six inner frames; *which* three are chosen such that for each number of
  flashes any of the six is lit with probability 1/2. Neither one frame nor shuffled ones tell that number: 1/3.
- Only of an order does a frame tell more than who is there: what flashes in the first frame flashes first.
"""

import math
from collections import Counter
from itertools import combinations, groupby
from typing import NamedTuple

from .clip import CLIP_PHRASES, DIRECTIONS, FRAMES

__all__ = ["MOVING_KINDS", "Course", "asked_in", "best_known", "one_frame", "scripts", "shuffled_frames",
           "whole_clip"]

MOVING_KINDS = ("direction", "order", "count", "before_after")
TURNS = ((FRAMES - 1) // 2, FRAMES // 2)    # when a thing turns, and the other one flashes
GAPS = (1, 2)                               # frames between the two events of an order
STAY = 2                                    # frames between appearing and vanishing
INNER = range(1, FRAMES - 1)                # where flashes are counted: at both ends all is dark


class Course(NamedTuple):
    """What a thing does: in each frame its place, in steps from where it begins, whether it is there and is lit."""

    steps: tuple
    visible: tuple
    lit: tuple


def asked_in(kind):
    """The keys of `CLIP_PHRASES` that belong to a kind, equally often asked: list of str.

    Examples
    --------
    >>> asked_in("before_after"), len(asked_in("order"))
    (['before', 'after'], 12)
    """
    ours = {"direction": ["direction"], "count": ["count"], "before_after": ["before", "after"]}
    other = [asks for named in ours.values() for asks in named]
    return ours.get(kind) or [asks for asks in CLIP_PHRASES if asks not in other]


def scripts(asks):
    """By answer all scripts that make it true: dict of str to list of (Course, Course).

    The first of each is the thing that is asked about. Where colour or shape are asked, the one key is None: the answer
    is that of the first.

    Examples
    --------
    >>> {answer: len(ways) for answer, ways in scripts("direction").items()}
    {'left': 3, 'right': 3, 'up': 3, 'down': 3}
    >>> {answer: len(ways) for answer, ways in scripts("count").items()}
    {'1': 24, '2': 96, '3': 24}
    """
    match asks:
        case "direction":
            return {way: [(_straight(way), _straight(other)) for other in DIRECTIONS if other != way]
                    for way in DIRECTIONS}
        case "before" | "after":
            turning = {way: [] for way in DIRECTIONS}
            for before in DIRECTIONS:
                for after in _across(before):
                    for frame in TURNS:
                        script = _turning(before, after, frame), _still(lit=[frame])
                        turning[before if asks == "before" else after].append(script)
            return turning
        case "count":
            patterns = _flash_patterns()
            others = [lit for some in patterns.values() for lit in some]
            return {count: [(_still(lit), _still(other)) for lit in some for other in others]
                    for count, some in patterns.items()}
    is_first = asks.endswith("first")
    return {None: [pair if is_first else pair[::-1] for pair in _one_after_the_other("flashes" in asks)]}


def _one_after_the_other(flashing):
    """Scripts in which the first thing flashes, and then the second; or appears so, and vanishes in the same order."""
    if flashing:
        return [(_still(lit=[start]), _still(lit=[start + gap]))
                for gap in GAPS for start in range(FRAMES - gap)]
    return [(_still(visible=range(start, start + STAY)), _still(visible=range(start + gap, start + gap + STAY)))
            for gap in GAPS for start in range(1, FRAMES - gap - STAY)]


def _flash_patterns():
    """By number of flashes the sets of frames that may be lit: dict of str to list of tuple.

    Half of the inner frames are lit. Only those sets count whose complement has as many flashes: a frame is then lit in
    just half of them.
    """
    patterns = {}
    for lit in combinations(INNER, len(INNER) // 2):
        dark = tuple(frame for frame in INNER if frame not in lit)
        if _runs(lit) == _runs(dark):
            patterns.setdefault(str(_runs(lit)), []).append(lit)
    return dict(sorted(patterns.items()))


def _runs(frames):
    """How many runs of successive frames there are."""
    return len(list(groupby(enumerate(frames), lambda numbered: numbered[1] - numbered[0])))


def _still(lit=(), visible=range(FRAMES)):
    return Course(((0, 0),) * FRAMES, *(tuple(frame in some for frame in range(FRAMES)) for some in (visible, lit)))


def _straight(way):
    return _turning(way, way, 0)


def _turning(before, after, turn):
    """A thing that goes one way until a frame, and then another."""
    (x, y), (x2, y2) = DIRECTIONS[before], DIRECTIONS[after]
    counts = [(min(frame, turn), max(frame - turn, 0)) for frame in range(FRAMES)]
    return _still()._replace(steps=tuple((x * i + x2 * j, y * i + y2 * j) for i, j in counts))


def _across(way):
    return ("up", "down") if way in ("left", "right") else ("left", "right")


def one_frame(frame):
    """The observation of one frame, of which it is known which it is."""
    return lambda script: _seen(script, [frame])


def shuffled_frames(script):
    """The observation of all frames in no order."""
    return _seen(script, range(FRAMES))


def whole_clip(script):
    """The observation of all frames in their order."""
    return _seen(script, range(FRAMES), numbered=True)


def _seen(script, frames, numbered=False):
    """What the frames show, in an order that tells nothing: of each what it shows of either thing, and its number.

    Of a thing that is their place, relative to those in the other frames, and light.
    """
    shown = []
    for course in script:
        seen = [frame for frame in frames if course.visible[frame]]
        left, top = (min((course.steps[frame][axis] for frame in seen), default=0) for axis in (0, 1))
        shown.append([(course.steps[frame][0] - left, course.steps[frame][1] - top, course.lit[frame])
                      if frame in seen else () for frame in frames])
    return tuple(sorted(zip(*shown, frames if numbered else [0] * len(frames))))


def best_known(ways, named, observation):
    r"""The expected accuracy of the best that knows the observation alone: $\sum_o \max_a P(o, a)$.

    Parameters
    ----------
    ways : dict of str to list of script
        As `scripts` returns; a script may be anything that `observation` takes.
    named : dict of str to list of (name, name)
        By answer, what the two things of a script may be, as one recognises them in the clip.
    observation : callable
        `observation(script)` → what is shown, as `one_frame` does.

    Returns
    -------
    float

    Examples
    --------
    >>> ways = scripts("direction")
    >>> named = dict.fromkeys(ways, [("red", "blue")])
    >>> [best_known(ways, named, each) for each in (one_frame(3), shuffled_frames, whole_clip)]
    [0.25, 0.5, 1.0]
    """
    likely = {}
    for answer, couples in named.items():
        some = ways.get(answer) or ways[None]
        for shown, count in Counter(map(observation, some)).items():
            for observed in _recognised(shown, couples):
                answers = likely.setdefault(observed, Counter())
                answers[answer] += count / (len(named) * len(some) * len(couples))
    return math.fsum(max(answers.values()) for answers in likely.values())


def _recognised(shown, couples):
    """What is shown, with the names of those that are there: by name, since nothing else tells the first from the
    second. Iterator over the couples."""
    turned = tuple(sorted((second, first, number) for first, second, number in shown))
    is_there = [any(state[k] for state in shown) for k in (0, 1)]
    for couple in couples:
        names = tuple(name if there else "" for name, there in zip(couple, is_there))
        yield (shown, names) if str(names[0]) < str(names[1]) else (turned, names[::-1])
