"""The moving shapes: every answer is right, none can be guessed, and less than the whole clip does not tell it."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from tinymm.data.shapes.clip import (
    CLIP_ANSWERS,
    CLIP_PHRASES,
    DIRECTIONS,
    FRAMES,
    Clip,
    Track,
    clip_answer,
    clip_events,
)
from tinymm.data.shapes.moving import MovingWorld
from tinymm.data.shapes.moving_render import _paint, render_clips
from tinymm.data.shapes.moving_scripts import (
    MOVING_KINDS,
    asked_in,
    best_known,
    one_frame,
    scripts,
    shuffled_frames,
    whole_clip,
)
from tinymm.data.shapes.scene import COLOURS, SHAPES
from tinymm.data.shapes.world import HELD_OUT

WORLD = MovingWorld()
PARTS = ("seen", "held_out")
EVER, NEVER = (True,) * 4, (False,) * 4


def still(colour, shape, visible=EVER, lit=NEVER):
    return Track(colour, shape, 0.2, ((0.5, 0.5),) * 4, visible, lit)


@pytest.fixture(scope="module", params=PARTS)
def drawn(request):
    return request.param, WORLD.sample(6000, np.random.default_rng(0), request.param)


def test_every_answer_is_right_and_of_the_closed_set(drawn):
    _, asked = drawn
    assert all(clip_answer(each.question, each.clip) == each.answer for each in asked)
    assert {each.answer for each in asked} == set(CLIP_ANSWERS)
    assert {each.kind for each in asked} == set(MOVING_KINDS)


def test_within_each_question_all_answers_are_equally_likely(drawn):
    _, asked = drawn
    _check_answers(asked)


def _check_answers(asked):
    """χ² of the answers to each text, added up, is what it is where all are equally likely; the clips are distinct."""
    answers = {}
    for each in asked:
        answers.setdefault(each.question, Counter())[each.answer] += 1
    statistic = freedom = 0
    for text, counts in answers.items():
        number = 3 if text.startswith("how") else 6 if "colour" in text else 5 if "shape" in text else 4
        expected = counts.total() / number
        statistic += sum((count - expected) ** 2 / expected for count in counts.values())
        statistic += expected * (number - len(counts))
        freedom += number - 1
    assert abs(statistic - freedom) < 4 * np.sqrt(2 * freedom)


@pytest.mark.parametrize("part", PARTS)
def test_several_questions_about_a_clip_are_all_right_and_none_can_be_guessed(part):
    asked = WORLD.sample(3000, np.random.default_rng(1), part, each=3)
    slots = [asked[k::3] for k in range(3)]
    assert all(clip_answer(each.question, each.clip) == each.answer for each in asked)
    assert all(a.clip is b.clip is c.clip and a.kind == b.kind == c.kind for a, b, c in zip(*slots))
    assert len({id(each.clip) for each in asked}) == len(slots[0]) == 3000
    for slot in slots:
        _check_answers(slot)
    kinds = Counter(each.kind for each in slots[0])
    p = 1 / len(MOVING_KINDS)
    assert all(abs(kinds[kind] / 3000 - p) < 4.5 * np.sqrt(p * (1 - p) / 3000) for kind in MOVING_KINDS)


def test_two_questions_about_two_moving_things_ask_for_both():
    """They are equally likely, and drawn systematically; the things move in different directions."""
    asked = MovingWorld(kinds=("direction",)).sample(100, np.random.default_rng(0), each=2)
    assert all(one.answer != other.answer for one, other in zip(asked[::2], asked[1::2]))


# Few pairs are seen, of some colours and shapes more than of others, so that not all questions are equally likely.
UNEVEN = ("red circle", "red cross", "green circle", "blue circle", "yellow cross", "purple square", "orange triangle",
          "green diamond")


ASKS = {text.format(the=the, the2=the2): (asks, the) for asks, texts in CLIP_PHRASES.items() for text in texts
        for the, the2 in ("AB", "BA")}


@pytest.mark.parametrize("kind", MOVING_KINDS)
def test_each_of_several_questions_about_a_clip_is_drawn_as_one_is(kind):
    """About clips in which the same happens each question is as frequent as the last of 3 as where it is the only one.

    "The same" leaves out which things do it, but for questions of order, which ask for them. Tested by χ², added up
    over all that may happen.
    """
    held_out = [(colour, shape) for colour in COLOURS for shape in SHAPES if f"{colour} {shape}" not in UNEVEN]
    world, tables = MovingWorld(held_out, kinds=(kind,)), {}
    for row, (clips, times) in enumerate(((6000, 1), (3000, 3))):
        for each in world.sample(clips, np.random.default_rng(row), each=times)[times - 1::times]:
            happens, things = _what_happens(each.clip)
            if kind == "order":
                happens += tuple((thing.colour, thing.shape) for thing in things)
            text = each.question
            for name, thing in zip("AB", things):
                text = text.replace(f"the {thing.colour} thing", name).replace(f"the {thing.shape}", name)
            tables.setdefault(happens, {}).setdefault(ASKS[text], np.zeros(2))[row] += 1
    statistic = freedom = 0
    for table in tables.values():
        counts = np.array(list(table.values()))
        expected = counts.sum(1, keepdims=True) * counts.sum(0) / counts.sum()
        if expected.min() >= 2:
            statistic += ((counts - expected) ** 2 / expected).sum()
            freedom += len(counts) - 1
    assert freedom >= 6 and statistic < chi2.ppf(0.9999, freedom)


def _what_happens(clip):
    """Of each thing all that it begins to do, and the things: the one that does something first is the first."""
    acts = sorted(([(event.frame, event.what) for event in clip_events(clip) if event.thing == k], k)
                  for k in range(len(clip.tracks)))
    return tuple(tuple(what for _, what in some) for some, _ in acts), [clip.tracks[k] for _, k in acts]


def test_clips_have_two_things_of_the_right_part(drawn):
    part, asked = drawn
    for clip, *_ in asked:
        (a, b) = clip.tracks
        assert a.colour != b.colour and a.shape != b.shape and len(a.places) == FRAMES
        held_out = {(a.colour, a.shape), (b.colour, b.shape)} & set(HELD_OUT)
        assert len(held_out) == (part == "held_out")
    assert len({clip for clip, *_ in asked}) == len(asked)


def test_the_same_seed_draws_the_same():
    assert WORLD.sample(20, np.random.default_rng(4)) == WORLD.sample(20, np.random.default_rng(4))


def test_things_that_stand_still_are_apart_and_in_the_frame():
    for clip, *_ in MovingWorld(kinds=("order", "count")).sample(200, np.random.default_rng(0)):
        a, b = clip.tracks
        assert len(set(a.places)) == len(set(b.places)) == 1
        assert np.hypot(*np.subtract(a.places[0], b.places[0])) > 1.15 * (a.radius + b.radius)
        assert all(1.15 * track.radius < min(x, 1 - x) for track in (a, b) for x in track.places[0])


@pytest.mark.parametrize("frame", [0, 4, 7])
def test_where_a_thing_is_in_a_frame_tells_nothing_of_where_it_goes(frame):
    asked = MovingWorld(kinds=("direction", "before_after")).sample(4000, np.random.default_rng(frame))
    moving = np.zeros((len(DIRECTIONS), 9))
    for clip, question, answer, _ in asked:
        mover = next(track for track in clip.tracks if len(set(track.places)) > 1 and any(
            f"{name} {verb}" in question for name in (f"{track.colour} thing", track.shape) for verb in ("move", "go")))
        x, y = mover.places[frame]
        moving[list(DIRECTIONS).index(answer), int(3 * x) + 3 * int(3 * y)] += 1
    expected = moving.sum(1, keepdims=True) / 9
    assert ((moving - expected) ** 2 / expected).sum() < chi2.ppf(0.9999, moving.size - 4)


@pytest.mark.parametrize("asks", CLIP_PHRASES)
def test_the_whole_clip_tells_the_answer_and_its_frames_in_no_order_half_of_it(asks):
    ways = scripts(asks)
    named = dict.fromkeys(ways, [("red", "blue")]) if None not in ways else {"red": [("red", "blue")],
                                                                             "blue": [("blue", "red")]}
    assert best_known(ways, named, whole_clip) == pytest.approx(1)
    shuffled = best_known(ways, named, shuffled_frames)
    assert shuffled == pytest.approx(1 / 3 if asks == "count" else 1 / 2)
    single = [best_known(ways, named, one_frame(frame)) for frame in range(FRAMES)]
    if None in ways:
        assert max(single) < (0.58 if "flashes" in asks else 0.72) and min(single) == pytest.approx(0.5)
    else:
        assert single == pytest.approx([1 / len(ways)] * FRAMES)


def _backwards(script):
    """The script played backwards, its places counted from where its things then begin."""
    return tuple(course._replace(
        steps=tuple((x - course.steps[-1][0], y - course.steps[-1][1]) for x, y in course.steps[::-1]),
        visible=course.visible[::-1], lit=course.lit[::-1]) for course in script)


@pytest.mark.parametrize("asks", [asks for asks in CLIP_PHRASES if asks != "count"])
def test_played_backwards_every_script_is_one_of_another_answer(asks):
    ways = scripts(asks)
    mirrored = scripts({"before": "after", "after": "before"}.get(asks, asks))
    for answer, some in ways.items():
        for script in map(_backwards, some):
            if answer is None:  # the thing that was first is last, so what was its script is the other one's
                assert script not in some and script[::-1] in some
            else:
                others = [other for other in mirrored if script in mirrored[other]]
                assert len(others) == 1 and others != [answer]


def test_flashes_are_counted_where_each_frame_is_lit_half_the_time():
    for some in scripts("count").values():
        lit = np.mean([script[0].lit for script in some], axis=0)
        np.testing.assert_array_equal(lit, [0, *[0.5] * 6, 0])


def test_ceilings():
    for part in PARTS:
        ceilings = WORLD.ceilings(part)
        assert list(ceilings) == [*MOVING_KINDS, "all"]
        for row in ceilings.values():
            assert row["blind"] <= row["random_frame"] + 1e-9 <= row["single_frame"] + 2e-9
            assert row["single_frame"] < 0.59 and row["shuffled_frames"] < 0.52
        assert ceilings["all"]["shuffled_frames"] < 0.47


@given(st.integers(0, 2**32), st.sampled_from(MOVING_KINDS))
def test_events_agree_with_what_is_shown(seed, kind):
    (each,) = MovingWorld(kinds=(kind,)).sample(1, np.random.default_rng(seed))
    events = clip_events(each.clip)
    assert events == sorted(events) and each.kind == kind
    for k, track in enumerate(each.clip.tracks):
        begun = [event.what for event in events if event.thing == k]
        assert begun.count("flashes") == sum(np.diff([0, *track.lit]) > 0)
        assert begun.count("appears") - begun.count("vanishes") == track.visible[-1] - track.visible[0]
        assert any(what.startswith("moves") for what in begun) == (len(set(track.places)) > 1)


@pytest.mark.parametrize("question, answer", [
    ("which way does the circle move?", "left"),
    ("which way does the blue thing move?", None),
    ("which way does the square move?", None),
    ("which way does the circle move before the cross flashes?", "left"),
    ("after the blue thing flashes, where does the red thing go?", None),  # it goes on, but begins nothing
    ("how often does the cross flash?", "1"),
    ("how often does the circle flash?", None),
    ("which colour flashes first?", None),
    ("which shape appears first?", "triangle"),
    ("which colour vanishes first?", None),
    ("which way does the circle move", None),
    ("", None),
])
def test_the_judge_by_example(question, answer):
    places = ((0.05, 0.5), (0.95, 0.5), (0.85, 0.5), (0.75, 0.5))
    moving = Clip((Track("red", "circle", 0.2, places, EVER, NEVER),
                   still("blue", "cross", lit=(False, False, True, True))))
    appearing = Clip((still("red", "cross", visible=(False, False, True, True)),
                      still("green", "triangle", visible=(False, True, True, False))))
    assert clip_answer(question, appearing if "appears" in question or "vanishes" in question else moving) == answer


@given(st.integers(0, 2**32), st.sampled_from([16, 24]), st.integers(0, 3))
def test_pictures(seed, size, n):
    rng = np.random.default_rng(seed)
    world = MovingWorld(size=size)
    clips = [each.clip for each in world.sample(n, rng)]
    frames = world.render(clips, rng)
    assert frames.dtype == np.float32 and np.all((frames >= 0) & (frames <= 1))
    assert frames.shape == ((n, FRAMES, 3, size, size) if n else (0, 0, 3, size, size))
    for clip, shown in zip(clips, frames):
        top = clip.tracks[-1]  # nothing covers it
        for frame, (x, y) in enumerate(top.places):
            pixel = shown[frame, :, int(y * size), int(x * size)]
            assert not top.visible[frame] or pixel.max() > 0.45
            assert not top.lit[frame] or pixel.min() > 0.6


def test_what_is_not_there_leaves_no_trace():
    hidden = still("red", "circle", visible=NEVER)
    shown = render_clips([Clip((hidden,))] * 70, np.random.default_rng(0))
    assert shown.max() < 0.5 and len({clip.tobytes() for clip in shown}) == 70


@given(st.integers(0, 23), st.integers(0, 23), st.integers(0, 2**32))
def test_what_leaves_the_frame_enters_on_the_other_side(right, down, seed):
    (clip, *_), = MovingWorld(kinds=("direction",)).sample(1, np.random.default_rng(seed))
    track = clip.tracks[0]
    moved = Track(track.colour, track.shape, track.radius,
                  tuple(((x + right / 24) % 1, (y + down / 24) % 1) for x, y in track.places), track.visible, track.lit)
    painted = []
    for each in (track, moved):
        canvas = np.zeros((1, FRAMES, 3, 24, 24), np.float32)
        _paint(canvas, [each], np.random.default_rng(1))
        painted.append(canvas)
    np.testing.assert_allclose(np.roll(painted[0], (down, right), axis=(3, 4)), painted[1], atol=2e-5)


def test_every_question_belongs_to_one_kind():
    assert sorted(asks for kind in MOVING_KINDS for asks in asked_in(kind)) == sorted(CLIP_PHRASES)
    texts = [text for phrases in CLIP_PHRASES.values() for text in phrases]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("arguments, message", [
    ({"kinds": ()}, "kinds must be distinct and among direction, .*; got \\(\\)"),
    ({"kinds": ("colour",)}, "kinds must be"),
    ({"held_out": [("red", "star")]}, "pairs of a colour and a shape"),
])
def test_impossible_worlds(arguments, message):
    with pytest.raises(ValueError, match=message):
        MovingWorld(**arguments)


def test_wrong_parts():
    with pytest.raises(ValueError, match="compositions must be"):
        WORLD.sample(1, np.random.default_rng(0), "unseen")
    with pytest.raises(ValueError, match="it has none"):
        MovingWorld(held_out=()).ceilings("held_out")
    for each in (0, -1):
        with pytest.raises(ValueError, match=f"^MovingWorld: each must be at least 1; got {each}$"):
            WORLD.sample(1, np.random.default_rng(0), each=each)
