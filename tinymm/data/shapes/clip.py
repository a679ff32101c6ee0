"""Clips of the moving shapes: what happens in them, and the judge that answers questions about it.

The frame is a torus: what leaves it on one side enters on the other. So a thing that moves is anywhere at any time,
whichever way it goes.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from .question_language import COUNTS
from .scene import COLOURS, SHAPES

__all__ = ["CLIP_ANSWERS", "CLIP_PHRASES", "Clip", "Event", "Track", "clip_answer", "clip_events"]

FRAMES = 8
DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
CLIP_ANSWERS = (*DIRECTIONS, *COLOURS, *SHAPES, *COUNTS[1:])
LEAST_MOVE = 0.02  # of the frame, from one frame to the next: half a pixel of 24


# By what is asked, all texts that ask it; {the}, {the2}: "the red thing" or "the circle".
CLIP_PHRASES = {
    "direction": ("which way does {the} move?", "in which direction does {the} go?"),
    "before": ("which way does {the} move before {the2} flashes?", "before {the2} flashes, where does {the} go?"),
    "after": ("which way does {the} move after {the2} flashes?", "after {the2} flashes, where does {the} go?"),
    "count": ("how many times does {the} flash?", "how often does {the} flash?"),
    **{f"{attribute} of what {event} {rank}": (f"what {attribute} is the thing that {event} {rank}?",
                                               f"which {attribute} {event} {rank}?")
       for event in ("flashes", "appears", "vanishes") for rank in ("first", "last")
       for attribute in ("colour", "shape")},
}


@dataclass(frozen=True, slots=True)
class Track:
    """One thing through all frames.

    Attributes
    ----------
    colour, shape : str
    radius : float
    places : tuple of (float, float)
        Its centre in each frame, as fractions of the frame in [0, 1): x runs right and y runs down.
    visible, lit : tuple of bool
        Whether it is there, and whether it shines nearly white, in each frame.
    """

    colour: str
    shape: str
    radius: float
    places: tuple
    visible: tuple
    lit: tuple


@dataclass(frozen=True, slots=True)
class Clip:
    """Things that move, appear, vanish or flash; no two share a colour or a shape. The later covers the earlier."""

    tracks: tuple[Track, ...]


class Event(NamedTuple):
    """What a thing (a number in `Clip.tracks`) begins to do in a frame: "moves left", "flashes", "appears", ..."""

    frame: int
    thing: int
    what: str


def clip_events(clip):
    """All that happens in a clip, in the order of time: list of Event.

    Something moves from the first frame on in which the next one shows it elsewhere; it flashes in the first frame of
    any number in which it is lit; it appears in the first frame in which it is there, unless that is the clip's first;
    it vanishes in the first in which it is no longer.

    Examples
    --------
    >>> track = Track("red", "circle", 0.2, places=((0.9, 0.5), (0.0, 0.5), (0.1, 0.5), (0.1, 0.4)),
    ...               visible=(True, True, True, False), lit=(False, True, True, False))
    >>> for event in clip_events(Clip((track,))): print(*event)
    0 0 moves right
    1 0 flashes
    2 0 moves up
    3 0 vanishes
    """
    events = []
    for thing, track in enumerate(clip.tracks):
        going = None
        for frame in range(len(track.places)):
            first = frame == 0
            if track.lit[frame] and (first or not track.lit[frame - 1]):
                events.append(Event(frame, thing, "flashes"))
            if not first and track.visible[frame] != track.visible[frame - 1]:
                events.append(Event(frame, thing, "appears" if track.visible[frame] else "vanishes"))
            if frame + 1 < len(track.places):
                before, going = going, _direction(*track.places[frame:frame + 2])
                if going not in (None, before):
                    events.append(Event(frame, thing, f"moves {going}"))
    return sorted(events)


def _direction(place, following):
    """Which way leads from one place to the next on the torus; None if they are one."""
    x, y = ((b - a + 0.5) % 1 - 0.5 for a, b in zip(place, following))
    if max(abs(x), abs(y)) < LEAST_MOVE:
        return None
    return max(DIRECTIONS, key=lambda name: x * DIRECTIONS[name][0] + y * DIRECTIONS[name][1])


def clip_answer(question, clip):
    """The answer to a question about a clip, from the list of its events.

    Parameters
    ----------
    question : str
    clip : Clip

    Returns
    -------
    str or None
        One of `CLIP_ANSWERS`; None if the question is not of the language or has no certain answer: what it names is
        not there, turns when it should not, two things begin at once, or something never happens or too often.

    Examples
    --------
    >>> dark = (False,) * 3
    >>> clip = Clip((Track("red", "circle", 0.2, ((0.9, 0.5), (0.0, 0.5), (0.1, 0.5)), (True,) * 3, dark),
    ...              Track("blue", "cross", 0.2, ((0.5, 0.5),) * 3, (True,) * 3, (False, True, False))))
    >>> for question in ("which way does the circle move?", "how often does the blue thing flash?",
    ...                  "which way does the blue thing move?"):
    ...     print(question, clip_answer(question, clip))
    which way does the circle move? right
    how often does the blue thing flash? 1
    which way does the blue thing move? None
    """
    for asks, pattern in _PATTERNS:
        found = pattern.fullmatch(question)
        if found:
            words = found.groupdict()
            named = [_named(words[name], clip) for name in ("the", "the2") if name in words]
            return None if None in named else _answer(asks, clip, clip_events(clip), *named)
    return None


_THING = "|".join([*(f"{colour} thing" for colour in COLOURS), *SHAPES])
_PATTERNS = [(asks, re.compile(phrase.replace("?", r"\?").format(the=f"the (?P<the>{_THING})",
                                                                the2=f"the (?P<the2>{_THING})")))
             for asks, phrases in CLIP_PHRASES.items() for phrase in phrases]


def _named(name, clip):
    """The number of the one thing that is called so, or None."""
    fits = [i for i, track in enumerate(clip.tracks) if name in (f"{track.colour} thing", track.shape)]
    return fits[0] if len(fits) == 1 else None


def _answer(asks, clip, events, thing=None, other=None):
    moves = [(event.frame, event.what.removeprefix("moves ")) for event in events
             if event.thing == thing and event.what.startswith("moves")]
    flashes = [(event.frame, event.thing) for event in events if event.what == "flashes"]
    match asks:
        case "direction":
            return moves[0][1] if len(moves) == 1 else None
        case "count":
            count = str(sum(which == thing for _, which in flashes))
            return count if count in CLIP_ANSWERS else None
        case "before" | "after":
            times = [frame for frame, which in flashes if which == other]
            if len(times) != 1:
                return None
            known = [way for frame, way in moves if (frame < times[0] if asks == "before" else frame >= times[0])]
            return known[0] if len(known) == 1 else None
    attribute, _, _, event, rank = asks.split()
    times = sorted((each.frame, each.thing) for each in events if each.what == event)
    is_at_once = len({frame for frame, _ in times}) < len(times)
    if is_at_once or sorted(which for _, which in times) != list(range(len(clip.tracks))):
        return None
    return getattr(clip.tracks[times[0 if rank == "first" else -1][1]], attribute)
