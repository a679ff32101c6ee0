"""The shapes world: an embedded, endless captioning task of which every answer can be checked.

Two or three coloured shapes lie on a dark cloth; a caption says what they are and where (grammar: `language.py`).
Some colour-shape pairs can be held out of all seen scenes, to test whether a model composes what it has learned.
"""

from functools import cache

import numpy as np

from .captions import references
from .judging import judge, truth_accuracy
from .language import VOCABULARY, parse
from .render import render
from .sampling import one_of
from .scene import COLOURS, SHAPES, SIZES, Scene, Thing, clear_relation

__all__ = ["ShapesWorld"]

# One pair per colour, along the diagonal of the colour × shape table: every word still occurs in seen pairs.
HELD_OUT = tuple((colour, SHAPES[i % len(SHAPES)]) for i, colour in enumerate(COLOURS))
RADII = {"small": (0.125, 0.140), "large": (0.200, 0.220)}
REACH = 1.15  # how many radii the widest shape extends from its centre
EDGE = 0.01  # room left between things and the frame
GAP = 0.03  # room left between things
TRIES = 64  # placements drawn at once; with three things about one in a hundred will do


class ShapesWorld:
    """A generator of scenes, their pictures and their captions.

    Parameters
    ----------
    held_out : sequence of (colour, shape)
        Pairs that occur in no seen scene and in every held-out scene.
    size : int
        Height and width of the pictures.
    objects : tuple of int
        How many things a scene has, 2 or 3: drawn uniformly from this tuple, so that a repeated number is likelier.

    Raises
    ------
    ValueError
        For a pair that does not exist, a colour or shape left without a seen pair, or another number of things.

    Examples
    --------
    >>> import numpy as np
    >>> world, rng = ShapesWorld(), np.random.default_rng(0)
    >>> scenes = world.sample(100, rng)
    >>> any(scene.compositions & set(HELD_OUT) for scene in scenes)
    False
    >>> world.render(scenes, rng).shape
    (100, 3, 32, 32)
    >>> captions = world.captions(scenes, rng)
    >>> truth_accuracy([five[0] for five in captions], scenes)
    1.0
    """

    def __init__(self, held_out=HELD_OUT, size=32, objects=(2, 2, 2, 3)):
        pairs = [(colour, shape) for colour in COLOURS for shape in SHAPES]
        self.held_out = tuple(tuple(pair) for pair in held_out)
        self.seen = tuple(pair for pair in pairs if pair not in self.held_out)
        self.size = size
        self.objects = tuple(objects)
        if unknown := set(self.held_out) - set(pairs):
            raise ValueError(f"ShapesWorld: held_out must be pairs of a colour and a shape; got {sorted(unknown)}")
        if {word for pair in self.seen for word in pair} != {*COLOURS, *SHAPES}:
            raise ValueError(f"ShapesWorld: held_out must leave every colour and shape a seen pair; got {held_out}")
        if not self.objects or not set(self.objects) <= {2, 3}:
            raise ValueError(f"ShapesWorld: objects must be a tuple of 2s and 3s; got {objects}")

    def sample(self, n, rng, compositions="seen"):
        """Draw `n` scenes.

        Parameters
        ----------
        n : int
        rng : numpy.random.Generator
        compositions : {"seen", "held_out"}
            Scenes of seen pairs only; or scenes with exactly one held-out pair each, beside seen ones.

        Returns
        -------
        list of Scene

        Raises
        ------
        ValueError
            For other `compositions`, or held-out scenes of a world without held-out pairs.
        """
        if compositions not in ("seen", "held_out"):
            raise ValueError(f'ShapesWorld.sample: compositions must be "seen" or "held_out"; got {compositions!r}')
        if compositions == "held_out" and not self.held_out:
            raise ValueError("ShapesWorld.sample: held-out scenes need a world with held_out pairs; it has none")
        return [self._scene(rng, compositions) for _ in range(n)]

    def render(self, scenes, rng):
        """Paint scenes: float32 (B, 3, size, size) in [0, 1]."""
        return render(scenes, rng, self.size)

    def captions(self, scenes, rng, n=5):
        """Describe each scene in `n` different captions: list of lists of str."""
        return [references(scene, rng, n) for scene in scenes]

    def _scene(self, rng, compositions):
        count = one_of(self.objects, rng)
        pairs = [self.seen[i] for i in rng.choice(len(self.seen), count, replace=False)]
        if compositions == "held_out":
            pairs[rng.integers(count)] = one_of(self.held_out, rng)
        sizes = ()
        while not sizes or sizes.count("large") > 2:  # three large things hardly fit
            sizes = [SIZES[i] for i in rng.integers(len(SIZES), size=count)]
        while True:
            x, y, radius = _placements(sizes, rng)
            for k in np.flatnonzero(_apart(x, y, radius)):
                places = zip(x[k].tolist(), y[k].tolist(), radius[k].tolist())
                things = tuple(Thing(colour, shape, size, *place)
                               for (colour, shape), size, place in zip(pairs, sizes, places))
                if _describable(things):
                    return Scene(things)


def _placements(sizes, rng):
    """TRIES ways to lay things of these sizes inside the frame: x, y and radius, each (TRIES, things)."""
    growth, x, y = rng.random((3, TRIES, len(sizes)))  # each from 0 to 1
    low, high = np.array([RADII[size] for size in sizes]).T
    radius = low + (high - low) * growth
    reach = REACH * radius + EDGE
    x = reach + (1 - 2 * reach) * x
    y = reach + (1 - 2 * reach) * y
    return x, y, radius


@cache
def _pairs(things):
    """Every pair of things: two int arrays."""
    return np.triu_indices(things, k=1)


def _apart(x, y, radius):
    """Which of the placements keep a gap between any two things: bool (TRIES,)."""
    a, b = _pairs(x.shape[1])
    squared_distance = (x[:, a] - x[:, b]) ** 2 + (y[:, a] - y[:, b]) ** 2
    least = REACH * (radius[:, a] + radius[:, b]) + GAP
    return (squared_distance > least ** 2).all(1)


def _describable(things):
    """Whether some thing stands in a clear relation to each of the others."""
    return any(all(clear_relation(thing, other) for other in things if other is not thing) for thing in things)
