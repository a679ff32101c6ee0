"""The embedded worlds are what they were: speakers, sounds and pictures of a seed, each as a few numbers.

Published results depend on them; which voice a seed draws follows from no law that a test could state.
"""

import numpy as np
import pytest

from tinymm.data.shapes.render import render
from tinymm.data.shapes.world import ShapesWorld
from tinymm.data.speech import draw_speaker, speak

SPEAKERS = {0: [154.202376791, 1.04806845014, 0.78526331664, 0.048796214352],
            1: [159.602539172, 1.02172319919, 1.25147733764, 0.0187098871206],
            2: [116.376511283, 0.99687269934, 0.815428098895, 0.0360060315579]}
SOUNDS = {0: [14177, 0.45700404, 0.039215971, 1.451846],
          4: [12987, 0.51122606, 0.030231187, -11.330963],
          9: [11410, 0.43614098, 0.043778405, 15.711556]}
PICTURES = {0: [3, 0.17836721, 0.18686281, -1.4844658],
            1: [2, 0.13597524, 0.17270048, -1.2832054],
            2: [3, 0.1278668, 0.14699544, 3.206294]}


def wave(a):
    """⟨a, sin(1 + 3k)⟩, k counting the elements."""
    return float(np.ravel(a).astype(np.float64) @ np.sin(1 + 3 * np.arange(np.size(a))))


@pytest.mark.parametrize("seed", SPEAKERS)
def test_speakers(seed):
    np.testing.assert_allclose(draw_speaker(np.random.default_rng(seed)), SPEAKERS[seed], rtol=1e-9)


@pytest.mark.parametrize("seed", SOUNDS)
def test_sounds(seed):
    rng = np.random.default_rng(seed)
    sound = speak([seed, 9 - seed, 6], draw_speaker(rng), rng)
    np.testing.assert_allclose([len(sound), np.abs(sound).max(), np.abs(sound).mean(), wave(sound)], SOUNDS[seed],
                               rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("seed", PICTURES)
def test_pictures(seed):
    rng = np.random.default_rng(seed)
    scenes = ShapesWorld().sample(2, rng)
    pictures = render(scenes, rng)
    np.testing.assert_allclose([len(scenes[0].things), pictures.mean(), pictures.std(), wave(pictures)],
                               PICTURES[seed], rtol=1e-4, atol=1e-3)
