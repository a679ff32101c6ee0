"""Worlds of two modalities: closed forms against enumeration, what symbols look like, controls."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data.interactions import (
    EVENTS, MOMENTS, StreamBounce, VectorWorld, conjunction, draw_symbols, hidden_mixture, mixture, redundant,
    second_is_noise, second_replaced, stream_bounce, synergistic, unique, unlabelled,
)
from tinymm.metrics import bayes_accuracy, mutual_information, partial_information

SHARES = st.floats(0, 1)
WEIGHTS = st.tuples(*[st.floats(0.01, 1)] * 3).map(lambda some: mixture(*np.array(some) / sum(some)))
WORLDS = st.one_of(
    st.builds(redundant, st.integers(2, 5)), st.builds(unique, st.integers(2, 3)),
    st.builds(synergistic, st.integers(2, 4)), st.builds(second_is_noise, SHARES), st.builds(hidden_mixture, SHARES),
    st.just(conjunction()), st.just(stream_bounce()), WEIGHTS)


def enumerated(table, shown):
    """The accuracy of the best of all rules, one symbol after the other, without a maximum over an axis."""
    seen = {}
    for (a, b, y), p in np.ndenumerate(table):
        seen.setdefault(tuple((a, b)[axis] for axis in shown), {}).setdefault(y, []).append(p)
    return sum(max(sum(some) for some in labels.values()) for labels in seen.values())


@given(WORLDS)
def test_closed_forms_are_what_enumeration_gives(world):
    assert world.table.sum() == pytest.approx(1) and (world.table >= 0).all()
    for accuracy, shown in zip(world.accuracies, ((0,), (1,), (0, 1))):
        assert accuracy == pytest.approx(enumerated(world.table, shown), abs=1e-12), (world.name, shown)
    np.testing.assert_allclose(world.information, partial_information(world.table), atol=1e-6, err_msg=world.name)


def test_every_rule_of_the_exclusive_or_is_at_chance_from_one_side():
    table = synergistic().table
    for shown in (0, 1):
        for rule in product((0, 1), repeat=2):
            p = sum(table[a, b, rule[(a, b)[shown]]] for a in (0, 1) for b in (0, 1))
            assert p == 0.5


@given(WORLDS)
def test_controls_keep_what_they_must_and_nothing_else(world):
    table = world.table
    without, shuffled = second_replaced(table), unlabelled(table)
    np.testing.assert_allclose(without.sum(1), table.sum(1), atol=1e-12)
    np.testing.assert_allclose(without.sum((0, 2)), table.sum((0, 2)), atol=1e-12)
    assert mutual_information(without, [1]) == pytest.approx(0, abs=1e-9)
    assert bayes_accuracy(without) == pytest.approx(world.accuracies[0])
    np.testing.assert_allclose(shuffled.sum(2), table.sum(2), atol=1e-12)
    assert mutual_information(shuffled) == pytest.approx(0, abs=1e-9)


@given(WORLDS, st.integers(0, 2**32 - 1))
def test_symbols_are_drawn_with_the_probabilities_of_the_table(world, seed):
    a, b, y = draw_symbols(world.table, 4000, np.random.default_rng(seed))
    counted = np.zeros(world.table.shape)
    np.add.at(counted, (a, b, y), 1 / 4000)
    assert (counted[world.table == 0] == 0).all()
    assert np.abs(counted - world.table).max() < 5 * 0.5 / np.sqrt(4000)


@given(WORLDS, st.integers(0, 2**32 - 1))
def test_a_vector_tells_its_symbol_and_nothing_else(world, seed):
    """The nearest code is the symbol's, within the bound; what is left over is noise."""
    shown = VectorWorld(world.table, np.random.default_rng(seed))
    rng, again = (np.random.default_rng(seed + 1) for _ in range(2))
    vectors, labels = shown.sample(300, rng)
    *symbols, drawn = draw_symbols(world.table, 300, again)
    np.testing.assert_array_equal(labels, drawn)
    wrong = 0
    for own, codes, x in zip(symbols, shown.codes, vectors):
        nearest = ((x[:, None] - codes) ** 2).sum(-1).argmin(1)
        wrong += (nearest != own).sum()
        assert np.abs((x - codes[own]).std() - shown.noise) < 0.02
    assert wrong <= max(3, 600 * shown.confusion * 3)


def test_the_bound_on_confusion_is_the_probability_for_two_symbols():
    world = VectorWorld(synergistic().table, np.random.default_rng(0), width=2, noise=1.0)
    rng = np.random.default_rng(1)
    told = 0.0
    for codes in world.codes:
        x = codes[0] + rng.standard_normal((40_000, 2))
        told += (((x[:, None] - codes) ** 2).sum(-1).argmin(1) != 0).mean()
    assert world.confusion == pytest.approx(told, abs=0.01)


# The balls --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn():
    """Examples with their symbols."""
    (clips, sounds), events = StreamBounce().sample(400, np.random.default_rng(0))
    seen, heard, same = draw_symbols(StreamBounce().table, 400, np.random.default_rng(0))
    np.testing.assert_array_equal(events, same)
    return clips[:, :, 0], sounds, seen, heard, events


def test_the_event_follows_from_what_is_seen_and_heard(drawn):
    *_, seen, heard, events = drawn
    for a, b, event in zip(seen, heard, events):
        assert EVENTS[event] == ("apart" if a == 0 else "bounce" if a == b else "pass")


def test_the_frames_tell_when_the_balls_meet(drawn):
    """Bright columns reach least far apart in that frame; where they do not meet, bright rows reach farther."""
    clips, _, seen, *_ = drawn
    met = seen > 0
    columns = _reach((clips > 0.45).any(2))                              # (n, T)
    least = np.array(MOMENTS)[columns[:, MOMENTS].argmin(1)]
    np.testing.assert_array_equal(least[met], np.array(MOMENTS)[seen[met] - 1])
    rows = _reach((clips > 0.45).any((1, 3)))                            # (n,)
    assert rows[~met].min() > rows[met].max()


def _reach(bright):
    """From the first True to the last along the last axis; infinite where there is none."""
    places = np.arange(bright.shape[-1])
    first, last = np.where(bright, places, np.inf).min(-1), np.where(bright, places, -np.inf).max(-1)
    return np.where(bright.any(-1), last - first, np.inf)


def test_the_sound_tells_when_it_knocks(drawn):
    _, sounds, _, heard, _ = drawn
    change = np.abs(np.diff(sounds, axis=1)).reshape(len(sounds), -1)
    loudest = np.concatenate([change, change[:, -1:]], 1).reshape(len(sounds), 9, -1).max(2)
    knocked = heard > 0
    assert loudest[knocked].max(1).min() > loudest[~knocked].max()
    np.testing.assert_array_equal(loudest[knocked].argmax(1), np.array(MOMENTS)[heard[knocked] - 1])


def test_pictures_do_not_tell_what_is_heard():
    """The same clip comes with a knock and without: they are drawn from the symbol of their own modality alone."""
    world, table = StreamBounce(), np.zeros((4, 4, 3))
    table[2, 0, 2] = 1
    other = np.zeros_like(table)
    other[2, 2, 1] = 1
    (one, silent), _ = world.sample(5, np.random.default_rng(3), table)
    (two, knocked), _ = world.sample(5, np.random.default_rng(3), other)
    np.testing.assert_array_equal(one, two)
    assert np.abs(silent - knocked).max() > 0.1


@pytest.mark.parametrize("make", [lambda: mixture(0.5, 0.5, 0.5), lambda: mixture(1.5, -0.5, 0.0),
                                  lambda: second_is_noise(1.5), lambda: hidden_mixture(-0.1)])
def test_shares_that_are_none_are_refused(make):
    with pytest.raises(ValueError, match="got"):
        make()
