"""The opinions: labels are what the sentences say, and of an open one the words tell nothing."""

import math
import zlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data.texts import opinions
from tinymm.data.texts.opinions import BAD, GOOD, Opinion, bag_limit, bag_of, draw_opinions

seeds = st.integers(0, 2**32 - 1)


def verdict(text):
    """Read a sentence as a person would: each clause by itself, negations where they belong."""
    found = set()
    for clause in text.split(" and "):
        words = clause.split()
        if not set(words) & {*GOOD, *BAD}:
            continue  # an aside
        main = words[len(words) - 1 - words[::-1].index("was"):]  # from the last "was" on
        good = bool(set(main) & set(GOOD)) ^ ("not" in main) ^ (words[:3] == ["i", "do", "not"])
        found.add(int(good))
    assert len(found) == 1, text
    return found.pop()


@given(seeds)
def test_labels_are_what_the_sentences_say(seed):
    for opinion in draw_opinions(60, np.random.default_rng(seed)):
        assert verdict(opinion.text) == opinion.label, opinion


@given(seeds)
def test_no_two_sentences_share_their_words(seed):
    bags = [bag_of(opinion.text) for opinion in draw_opinions(300, np.random.default_rng(seed))]
    assert len(set(bags)) == 300


def test_given_its_words_the_label_of_an_open_sentence_is_a_fair_coin(monkeypatch):
    """In a language of few words every bag comes often;
    the exact probability of each count of labels is that of coins."""
    for name, few in (("THINGS", 2), ("GOOD", 1), ("BAD", 1), ("DEGREES", 1), ("ACTS", 1), ("ASIDES", 1)):
        monkeypatch.setattr(opinions, name, getattr(opinions, name)[:few])
    rng, counts, n = np.random.default_rng(0), Counter(), Counter()
    for kind in ("plain", "scope", "contrast"):
        for _ in range(4000):
            opinion = opinions._draw(kind, rng)
            assert verdict(opinion.text) == opinion.label
            counts[kind, bag_of(opinion.text)] += opinion.label
            n[kind, bag_of(opinion.text)] += 1
    for (kind, bag), times in n.items():
        good = counts[kind, bag]
        if kind == "plain":
            assert good in (0, times)
        else:
            assert times > 100 and abs(good - times / 2) < 4.5 * math.sqrt(times) / 2
    bags = {kind: {bag for k, bag in n if k == kind} for kind in ("plain", "scope", "contrast")}
    assert not (bags["plain"] & (bags["scope"] | bags["contrast"])) and not bags["scope"] & bags["contrast"]


def test_both_labels_of_an_open_sentence_can_be_said_with_the_same_words(rng):
    """For what was drawn there is a twin: the same bag, the other label."""
    wanted = {bag_of(o.text): o.label for o in draw_opinions(40, rng) if o.kind == "contrast"}
    for bag in list(wanted)[:5]:
        qualities = [word for word in bag if word in GOOD + BAD]
        things = [word for word in bag if word in opinions.THINGS]
        twins = {verdict(f"the {things[0]} was {'not ' * first}{qualities[0]} and the {things[1]} was "
                         f"{'not ' * (1 - first)}{qualities[1]}")
                 for first in (0, 1)}
        assert twins == {0, 1}


@given(seeds)
def test_the_limit_is_met_by_the_best_guess_and_by_no_luck_beaten(seed):
    """A classifier that knows every plain bag and guesses the rest: its hits are plain + Binomial(open, ½)."""
    rng = np.random.default_rng(seed)
    drawn = draw_opinions(400, rng)
    open_ones = [o for o in drawn if o.kind != "plain"]
    assert bag_limit(drawn) == pytest.approx((400 - len(open_ones) / 2) / 400)
    # any function of the bag
    guess = {bag_of(o.text): zlib.crc32(" ".join(bag_of(o.text)).encode()) % 2 for o in open_ones}
    hits = sum(guess[bag_of(o.text)] == o.label for o in open_ones)
    assert abs(hits - len(open_ones) / 2) < 5 * math.sqrt(len(open_ones)) / 2


def test_share_of_open_sentences_and_reproducibility():
    drawn = draw_opinions(2000, np.random.default_rng(1))
    kinds = Counter(o.kind for o in drawn)
    assert abs(kinds["plain"] / 2000 - 0.4) < 0.05 and abs(kinds["scope"] - kinds["contrast"]) < 150
    assert drawn == draw_opinions(2000, np.random.default_rng(1)) and isinstance(drawn[0], Opinion)
    with pytest.raises(ValueError, match="n is at most 10,000"):
        draw_opinions(10_001, np.random.default_rng(1))
