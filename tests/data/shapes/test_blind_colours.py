"""What the words tell of a hidden colour: against all scenes there are, and against what a counting guesser reaches."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest

from tinymm.data import ShapesWorld, colour_ceiling, possible_colours
from tinymm.data.shapes.scene import COLOURS, SIZES


def told(words, place):
    """What the caption says but for one colour: the article and shape beside it, and the other pairs in order."""
    pairs = [(word, words[k + 1]) for k, word in enumerate(words) if word in COLOURS]
    k = [k for k, word in enumerate(words) if word in COLOURS].index(place)
    return pairs, k


@pytest.mark.parametrize("kind", ["seen", "held_out"])
def test_against_all_pairs_there_are(kind):
    """Of all ordered tuples of pairs that a scene may have, those that agree with the caption but for one colour."""
    world, rng = ShapesWorld(), np.random.default_rng(0)
    scenes = world.sample(25, rng, kind)
    for caption in (own[0] for own in world.captions(scenes, rng)):
        words = caption.split()
        for place in (k for k, word in enumerate(words) if word in COLOURS):
            pairs, k = told(words, place)
            pool = world.seen + (world.held_out if kind == "held_out" else ())
            fitting = Counter()
            for drawn in permutations(pool, len(pairs)):
                if kind == "held_out" and len(set(drawn) & set(world.held_out)) != 1:
                    continue
                same = [a == b for a, b in zip(drawn, pairs)]
                if sum(same) - same[k] == len(pairs) - 1 and drawn[k][1] == pairs[k][1] and (
                        words[place - 1] in SIZES or (words[place - 1] == "an") == (drawn[k][0] == "orange")):
                    fitting[drawn[k][0]] += 1
            assert sorted(fitting) == sorted(possible_colours(words, place, world, kind))
            assert len(set(fitting.values())) == 1 and words[place] in fitting


def test_a_guesser_that_counts_reaches_it_and_no_more():
    """Over 1,500 captions; the share of right guesses has a standard error below .01."""
    world, rng = ShapesWorld(), np.random.default_rng(1)
    captions = [own[0] for own in world.captions(world.sample(1500, rng), rng, 1)]
    ceiling = colour_ceiling(captions, world)
    right = []
    for words in map(str.split, captions):
        for place in (k for k, word in enumerate(words) if word in COLOURS):
            right.append(rng.choice(possible_colours(words, place, world)) == words[place])
    assert len(right) == len(ceiling)
    assert abs(np.mean(right) - ceiling.mean()) < 4 * np.sqrt(0.25 / len(right))
    assert 0.2 < ceiling.mean() < 0.3


def test_refusals():
    with pytest.raises(ValueError, match="colour_ceiling: a caption must have a colour; got 1 without"):
        colour_ceiling(["a cat"], ShapesWorld())
    with pytest.raises(ValueError, match="possible_colours: some seen scene must have the caption; got 'an orange"):
        possible_colours("an orange circle is above a red cross".split(), 1, ShapesWorld())
