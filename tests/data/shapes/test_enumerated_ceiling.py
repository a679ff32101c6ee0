"""The ceiling of hidden colours by enumeration is the mean of one over the number of possible colours."""

from itertools import permutations

import numpy as np
import pytest

from tinymm.data import ShapesWorld, enumerated_ceiling, possible_colours
from tinymm.data.shapes.language import Mention, parse
from tinymm.data.shapes.scene import COLOURS


@pytest.mark.parametrize("sized", [True, False])
def test_over_all_scenes_of_two_things(sized):
    world, size = ShapesWorld(), "small" if sized else None
    told = []
    for pairs in permutations(world.seen, 2):
        words = " is above ".join(str(Mention(*pair, size)) for pair in pairs).split()
        told.append(1 / len(possible_colours(words, 2 if sized else 1, world)))
    assert np.mean(told) == pytest.approx(enumerated_ceiling(world, 2, sized), abs=1e-12)


def test_of_drawn_captions():
    """Within four standard errors of the mean over captions of each kind."""
    world, rng = ShapesWorld(), np.random.default_rng(0)
    told = {(things, sized): [] for things in (2, 3) for sized in (True, False)}
    for caption in (c for group in world.captions(world.sample(400, rng), rng) for c in group):
        mentions, words = parse(caption).mentions, caption.split()
        for place in (k for k, word in enumerate(words) if word in COLOURS):
            told[len(mentions), mentions[0].size is not None].append(1 / len(possible_colours(words, place, world)))
    for kind, values in told.items():
        error = np.std(values) / np.sqrt(len(values))
        assert abs(np.mean(values) - enumerated_ceiling(world, *kind)) < 4 * error, kind
