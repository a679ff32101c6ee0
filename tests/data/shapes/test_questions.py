"""The world of questions: every answer is right, none can be guessed, and the ceilings are what they claim to be."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from tinymm.data.shapes.question_judge import scene_answer
from tinymm.data.shapes.question_language import ANSWERS, KINDS, Description, Query, phrasings, question_groups
from tinymm.data.shapes.question_space import LAYOUTS, UNLIKE_LAYOUTS, QuestionSpace
from tinymm.data.shapes.questions import QuestionsWorld
from tinymm.data.shapes.sampling import systematic
from tinymm.data.shapes.scene import COLOURS, SHAPES, Scene, Thing, clear_relation, relation_holds
from tinymm.data.shapes.world import HELD_OUT, ShapesWorld

PARTS = ("seen", "held_out")
QUERIES = [query for kind in KINDS for group in question_groups(kind) for query in group]
TEXTS = {text: query for query in QUERIES for text in phrasings(query)}
RED, BLUE = Thing("red", "circle", "small", 0.25, 0.25, 0.12), Thing("blue", "cross", "large", 0.75, 0.27, 0.19)


@pytest.fixture(scope="module")
def world():
    return QuestionsWorld()


def _narrow(world, part, kinds):
    """A world that asks fewer kinds; all that can be seen and asked is listed once."""
    narrow = QuestionsWorld(kinds=kinds)
    narrow.__dict__["_seen" if part == "seen" else "_unseen"] = world._space(part)
    return narrow


@pytest.fixture(scope="module", params=PARTS)
def drawn(request, world):
    return request.param, world.sample(8_000, np.random.default_rng(0), request.param)


def test_every_answer_is_right_and_of_the_closed_set(drawn):
    _, asked = drawn
    assert all(scene_answer(each.question, each.scene) == each.answer for each in asked)
    assert {each.answer for each in asked} <= set(ANSWERS)
    assert {each.kind for each in asked} == set(KINDS)


def _surprise(table):
    """χ² of a table of counts, rows (first key) × columns, against independence; and its degrees of freedom."""
    columns = sorted({column for row in table.values() for column in row})
    counts = np.array([[row[column] for column in columns] for row in table.values()])
    expected = counts.sum(1, keepdims=True) * counts.sum(0) / counts.sum()
    return ((counts - expected) ** 2 / expected).sum(), (len(counts) - 1) * (len(columns) - 1)


def test_within_each_question_all_answers_are_equally_likely(drawn, world):
    part, asked = drawn
    space = world._space(part)
    answers = {}
    for each in asked:
        answers.setdefault(each.question, Counter())[each.answer] += 1
    statistic = freedom = 0
    for text, counts in answers.items():
        possible = {ANSWERS[a] for a in space.possible[TEXTS[text]]}
        assert set(counts) <= possible and len(possible) > 1
        expected = counts.total() / len(possible)
        statistic += sum((counts[answer] - expected) ** 2 / expected for answer in possible)
        freedom += len(possible) - 1
    # Few of each text: the sum has the mean of χ², and a variance below that of χ² (2 per degree of freedom).
    assert abs(statistic - freedom) < 4 * np.sqrt(2 * freedom)


def test_the_number_of_things_and_the_phrasing_tell_nothing_of_the_answer(drawn):
    _, asked = drawn
    for feature in (lambda each: len(each.scene.things), lambda each: phrasings(TEXTS[each.question]).index(
            each.question)):
        statistic = freedom = 0
        tables = {}
        for each in asked:
            table = tables.setdefault((each.kind, TEXTS[each.question].asks), {})
            table.setdefault(each.answer, Counter())[feature(each)] += 1
        for table in tables.values():
            more, degrees = _surprise(table)
            statistic += more
            freedom += degrees
        assert statistic < chi2.ppf(0.9999, freedom)


def test_a_blind_answer_is_right_as_often_as_computed(drawn, world):
    part, asked = drawn
    space = world._space(part)
    first = [each.answer == ANSWERS[space.possible[TEXTS[each.question]][0]] for each in asked]
    ceiling = world.blind_ceiling(part)
    assert abs(np.mean(first) - ceiling) < 4 * np.sqrt(ceiling * (1 - ceiling) / len(asked))


def _certainty(scene, space, probabilities):
    """max P(a | scene)."""
    weights = Counter()
    for (_, answer), weight in _weights(scene, space, probabilities).items():
        weights[answer] += weight
    return max(weights.values()) / weights.total()


def _weights(scene, space, probabilities, placed=1 / 6):
    """P(kind, a | scene) but for a factor, from the slow judge and the counts: Bayes' rule, question by question.

    Of layouts one in six makes a given relation of two given things true."""
    weights = Counter()
    for query, p in probabilities:
        answer = scene_answer(phrasings(query)[0], scene)
        if answer is not None and ANSWERS.index(answer) in space.possible[query]:
            count = space.counts[query][ANSWERS.index(answer), len(scene.things) - 3]
            is_relation = query.asks in ("left", "right", "above", "below")
            weights[space.kind_of[query], answer] += p / len(space.possible[query]) / (
                count * (placed if is_relation else 1))
    return weights


@pytest.mark.parametrize("kinds, n", [(KINDS, 60), (("colour", "relation"), 120)])
def test_the_picture_alone_tells_as_much_as_computed(world, kinds, n):
    asked = _narrow(world, "seen", kinds).sample(n, np.random.default_rng(1))
    probabilities = list(world._space("seen").probabilities(kinds))
    assert sum(p for _, p in probabilities) == pytest.approx(1)
    certainty = [_certainty(each.scene, world._space("seen"), probabilities) for each in asked]
    ceiling = _narrow(world, "seen", kinds).image_only_ceiling()
    assert abs(np.mean(certainty) - ceiling) < 4 * np.std(certainty) / np.sqrt(n) < 0.06
    assert ceiling < 0.42


@pytest.mark.parametrize("compositions", PARTS)
def test_several_questions_about_a_scene_are_drawn_as_bayes_rule_says(world, compositions):
    """Against the slow judge: the share of each answer is its probability given the scene."""
    space, times = world._space(compositions), 4000
    for seed in range(3):
        asked = world.sample(1, np.random.default_rng(seed), compositions, each=times)
        scene, = {id(each.scene): each.scene for each in asked}.values()
        assert all(scene_answer(each.question, scene) == each.answer for each in asked)
        weights = _weights(scene, space, space.probabilities(KINDS))
        drawn = Counter((each.kind, each.answer) for each in asked)
        assert set(drawn) <= set(weights)
        for key, weight in weights.items():
            p = weight / weights.total()
            assert abs(drawn[key] / times - p) < 4.5 * np.sqrt(p * (1 - p) / times)


def test_who_knows_the_question_alone_knows_as_little_of_several(world):
    """Within a question all answers are equally frequent: of 8 about a scene, and of the second among them alike."""
    asked = world.sample(2500, np.random.default_rng(0), each=8)
    query_of = {text: query for query in world._seen.kind_of for text in phrasings(query)}
    counts, chances = Counter(each.answer for each in asked), Counter()
    for each in asked:
        possible = world._seen.possible[query_of[each.question]]
        for answer in possible:
            chances[ANSWERS[answer]] += 1 / len(possible)
    assert set(counts) == set(chances)
    for answer, expected in chances.items():  # the scenes are independent, the 8 about one are not
        assert abs(counts[answer] - expected) < 4.5 * np.sqrt(8 * expected)
    kinds = Counter(each.kind for each in asked)
    assert all(abs(count - len(asked) / len(KINDS)) < 4.5 * np.sqrt(8 * len(asked) / len(KINDS))
               for count in kinds.values())


@given(st.integers(0, 2**32), st.lists(st.integers(0, 5), min_size=1, max_size=8).filter(any), st.integers(1, 9))
def test_systematic_draws_meet_each_index_as_often_as_its_share_rounded_down_or_up(seed, weights, number):
    p = np.array(weights) / sum(weights)
    drawn = np.bincount(systematic(np.array(weights, float), number, np.random.default_rng(seed)), minlength=len(p))
    assert len(drawn) == len(p) and drawn.sum() == number
    assert (np.abs(drawn - number * p) < 1 + 1e-9).all() and not drawn[p == 0].any()


def test_each_systematic_draw_by_itself_has_the_probabilities():
    rng, p = np.random.default_rng(0), np.array([0.1, 0.0, 0.6, 0.3])
    drawn = np.array([systematic(p, 3, rng) for _ in range(4000)])
    for column in drawn.T:
        assert (np.abs(np.bincount(column, minlength=4) / 4000 - p) <= 4.5 * np.sqrt(p * (1 - p) / 4000)).all()


def test_ceilings_of_all_kinds_together(world):
    assert [world.blind_ceiling(part) for part in PARTS] == pytest.approx([0.36419, 0.35278], abs=1e-5)
    assert [world.image_only_ceiling(part) for part in PARTS] == pytest.approx([0.26717, 0.26377], abs=1e-5)


def test_one_layout_of_each_eight_is_enough():
    def turned(layout):  # 0 1 above 2 3, by a quarter to the right; and seen in a mirror
        return tuple(np.array([1, 3, 0, 2])[list(layout)]), tuple(np.array([1, 0, 3, 2])[list(layout)])

    reached = [{tuple(LAYOUTS[layout])} for layout in UNLIKE_LAYOUTS]
    for alike in reached:
        while new := {other for layout in alike for other in turned(layout)} - alike:
            alike |= new
    assert [len(alike) for alike in reached] == [8, 8, 8]
    assert set.union(*reached) == {tuple(layout) for layout in LAYOUTS.tolist()}


def test_counts_are_those_of_the_judge():
    pairs = [("red", "circle"), ("red", "cross"), ("blue", "circle"), ("green", "square"), ("blue", "cross")]
    space = QuestionSpace([tuple(pairs[:3]), tuple(pairs[:4]), tuple(pairs[1:])])
    sketches = np.repeat(np.arange(8 + 2 * 16), 24)
    scenes = space.scenes(sketches, np.tile(np.arange(24), 40), np.random.default_rng(0))
    for query in QUERIES[::13]:
        is_relation = query.asks in ("left", "right", "above", "below")
        judged = [scene_answer(phrasings(query)[-1], scene) for scene in scenes[::1 if is_relation else 24]]
        few = len(judged) // 5
        share = 1 / 4 if is_relation else 1  # of 24 layouts 4 make it true, 4 false
        found = np.array([[part.count(answer) * share for part in (judged[:few], judged[few:])] for answer in ANSWERS])
        np.testing.assert_allclose(found, space.counts[query], err_msg=str(query))


@given(st.integers(0, 2**32), st.sampled_from(PARTS), st.sampled_from(KINDS))
def test_scenes_are_well_made(world, seed, part, kind):
    rng = np.random.default_rng(seed)
    (each,) = _narrow(world, part, (kind,)).sample(1, rng, part)
    things = each.scene.things
    assert each.kind == kind and len(things) in (3, 4)
    assert len(each.scene.compositions) == len(things)
    assert len(each.scene.compositions & set(HELD_OUT)) == (part == "held_out")
    for i, a in enumerate(things):
        assert 1.15 * a.radius < min(a.x, a.y, 1 - a.x, 1 - a.y)
        for b in things[:i]:
            assert np.hypot(a.x - b.x, a.y - b.y) > 1.15 * (a.radius + b.radius)
            relation = clear_relation(a, b)  # and no other: beside and above are never both true, across none is clear
            is_across = abs(a.x - b.x) > 0.3 and abs(a.y - b.y) > 0.3
            assert (relation is None) == is_across
            assert relation is None or relation_holds(relation, a, b)
    assert world.render([each.scene], rng).shape == (1, 3, 32, 32)


def test_no_scene_is_shared_between_parts_or_draws(world):
    draws = [world.sample(1000, np.random.default_rng(seed), part) for seed, part in enumerate(("seen", *PARTS))]
    scenes = [each.scene for draw in draws for each in draw]
    assert len(set(scenes)) == len(scenes)
    sketches = [{tuple((t.colour, t.shape, t.size) for t in each.scene.things) for each in draw} for draw in draws]
    assert not (sketches[0] | sketches[1]) & sketches[2]
    new = {text for text, query in TEXTS.items()
           if query.asks == "existence" and (query.first.colour, query.first.shape) in HELD_OUT}
    asked = [{each.question for each in draw} for draw in draws]
    assert not new & (asked[0] | asked[1]) and new & asked[2]


def test_the_same_seed_draws_the_same(world):
    assert world.sample(50, np.random.default_rng(4)) == world.sample(50, np.random.default_rng(4))
    assert world.sample(0, np.random.default_rng(4)) == []


def test_no_text_means_two_questions():
    texts = [text for query in QUERIES for text in phrasings(query)]
    assert len(set(texts)) == len(texts)
    assert len({word for text in texts for word in text[:-1].split()}) < 70


@pytest.mark.parametrize("question, answer", [
    ("is there a red thing?", "yes"),
    ("is there a small blue cross?", "no"),
    ("does the picture show an orange circle?", "no"),
    ("does the picture show a orange circle?", None),
    ("is there an red circle?", None),
    ("what colour is the large thing?", "blue"),
    ("what colour is the square?", None),
    ("what shape is the thing?", None),
    ("how many crosses are there?", "1"),
    ("how many yellow things does the picture show?", "0"),
    ("is the red thing to the left of the blue thing?", "yes"),
    ("is the cross left of the circle?", "no"),
    ("is the cross below the circle?", None),  # it lies lower, but beside it
    ("is the cross left of the blue thing?", None),
    ("is the cross bigger than the circle?", "yes"),
    ("is the cross smaller than the blue thing?", None),
    ("are there more things than crosses?", "yes"),
    ("are there fewer circles than crosses?", "no"),
    ("are there more squares than diamonds?", None),
    ("is there a red circle", None),
    ("", None),
])
def test_the_judge_by_example(question, answer):
    assert scene_answer(question, Scene((RED, BLUE))) == answer


@given(st.sampled_from(sorted(TEXTS)), st.integers(0, 2**32))
def test_the_judge_takes_any_scene(question, seed):
    (scene,) = ShapesWorld().sample(1, np.random.default_rng(seed))
    assert scene_answer(question, scene) in (None, *ANSWERS)


def test_descriptions():
    assert phrasings(Query("relation", None, None)._replace(
        asks="left", first=Description(colour="red"), second=Description("blue", "cross"))) == [
        "is the red thing left of the blue cross?", "is the red thing to the left of the blue cross?"]
    assert len(ANSWERS) == len(set(ANSWERS)) == 2 + len(COLOURS) + len(SHAPES) + 4


@pytest.mark.parametrize("arguments, message", [
    ({"kinds": ()}, "kinds must be distinct and among existence, .*; got \\(\\)"),
    ({"kinds": ("colour", "taste")}, "kinds must be"),
    ({"kinds": ("colour", "colour")}, "kinds must be"),
    ({"held_out": [("red", "star")]}, "pairs of a colour and a shape"),
])
def test_impossible_worlds(arguments, message):
    with pytest.raises(ValueError, match=message):
        QuestionsWorld(**arguments)


def test_wrong_parts(world):
    with pytest.raises(ValueError, match="compositions must be"):
        world.sample(1, np.random.default_rng(0), "unseen")
    with pytest.raises(ValueError, match="it has none"):
        QuestionsWorld(held_out=()).blind_ceiling("held_out")
    for each in (0, -1):
        with pytest.raises(ValueError, match=f"^QuestionsWorld: each must be at least 1; got {each}$"):
            world.sample(1, np.random.default_rng(0), each=each)
