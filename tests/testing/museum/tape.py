"""Right numbers, wrong manners: other people's memory, second derivatives, shapes and dtypes that nobody tried."""

import math

import numpy as np

from tinymm.autograd import Tensor, saving

from .blind import closed_form, twice
from .exhibit import Exhibit


class CotangentScribbledOn(Exhibit):
    """`g *= y`: right, but the cotangent belongs to somebody else, who may still want to read it."""
    blind = closed_form

    def inputs(rng):
        return [rng.standard_normal(4)]

    def forward(x):
        return np.exp(x)

    def right(g, y):
        return g * y

    def wrong(g, y):
        g *= y
        return g


class SavedArrayReused(Exhibit):
    """The saved slope is multiplied in place: right once, and wrong when the retained graph is walked again."""
    blind = closed_form

    def inputs(rng):
        return [rng.standard_normal(4)]

    def forward(x):
        y = np.tanh(x)
        return saving(y, slope=1 - y * y)

    def right(g, y):
        return g * (1 - y * y)

    def wrong(g, slope):
        slope *= g
        return slope


class OneArrayForTwo(Exhibit):
    """Both inputs are handed the same new array; whoever adds to the gradient of one changes that of the other."""
    rung = "structure"

    def inputs(rng):
        return [rng.standard_normal(4), rng.standard_normal(4)]

    def forward(a, b):
        return a + b

    def right(g):
        return g, g * 1

    def wrong(g):
        d = g * 1
        return d, d


class LengthForSize(Exhibit):
    """`len(x)` is the number of elements of a vector; a matrix has more, and a number has no length at all."""
    rung = "layouts"

    def inputs(rng):
        return [rng.standard_normal(4)]

    def forward(x):
        return x.mean()

    def right(g, x):
        return g * np.ones(x.shape, x.dtype) / max(x.size, 1)

    def wrong(g, x):
        return g * np.ones(x.shape, x.dtype) / len(x)


class SlopeTakenForConstant(Exhibit):
    """The VJP takes the bare array out of y: right the first time, and constant when it is differentiated itself."""
    rung = "taylor"

    def inputs(rng):
        return [rng.standard_normal(4)]

    def forward(x):
        return np.tanh(x)

    def right(g, y):
        return g * (1 - y * y)

    def wrong(g, y):
        y = y.data if isinstance(y, Tensor) else y
        return g * (1 - y * y)


class CotangentTakenForConstant(Exhibit):
    """The VJP takes the bare array out of g. By itself the op has the right Hessian;
    within a chain, g depends on x too."""
    rung = "second order"

    def inputs(rng):
        return [rng.standard_normal(4)]

    def forward(x):
        return np.sin(x)

    def right(g, x):
        return g * np.cos(x)

    def wrong(g, x):
        return (g.data if isinstance(g, Tensor) else g) * np.cos(x)


class CompositeOfAnotherFunction(Exhibit):
    """The fused norm adds ε under the root, its composite outside: the second derivatives are another function's."""
    rung = "taylor"

    def inputs(rng):
        return [rng.standard_normal((2, 4))]

    def forward(x):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)

    composite = forward

    def wrong_composite(x):
        return x / (np.sqrt((x * x).mean(-1, keepdims=True)) + 1e-5)

    def right(g, x, y):
        rstd = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)
        return rstd * (g - y * (g * y).mean(-1, keepdims=True))

    wrong = right


class EpsilonOfTheComposite(Exhibit):
    """Its composite adds 1e-10 for safety's sake:
    second derivatives are wrong in the tenth digit, beyond differences."""
    rung, blind = "second complex", twice

    def inputs(rng):
        return [rng.uniform(0.1, 0.5, 4)]

    def forward(x):
        return np.log(x)

    composite = forward

    def wrong_composite(x):
        return np.log(x + 1e-10)

    def right(g, x):
        return g / x

    wrong = right


class CompositeWithoutItsConstant(Exhibit):
    """−ln of a normal density; the composite leaves ½ ln 2π out. No derivative knows, but it is another function."""
    rung, blind = "composite", twice

    def inputs(rng):
        return [rng.standard_normal(4)]

    def forward(x):
        return (x * x + math.log(2 * math.pi)) / 2

    composite = forward

    def wrong_composite(x):
        return x * x / 2

    def right(g, x):
        return g * x

    wrong = right
