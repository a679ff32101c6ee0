"""Random programs on the tape against a naive engine: every value, every gradient, every refusal.

Hypothesis plays a user: it grows a graph with shared results, broadcasting, indexing, pieces that were detached or
never recorded, and walks it again and again, with and without `retain_graph`, from several outputs, to leaves and to
intermediate results. A model says beforehand what each walk releases, hence which later walk must be refused.
"""

import gc
import sys
import weakref
from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import tinymm as tm
import tinymm.functional as F

from .reference_engine import Value, apply, gradient, second_derivative

LARGEST = 100.0  # results beyond it are not used: derivatives of products of products would only measure rounding
SHAPES = [(), (2,), (3,), (1, 3), (2, 1), (2, 3), (3, 2)]


def linear(f):
    """The derivative of a linear function is the function."""
    return f, lambda xs, dxs: f(*dxs)


def selecting(first, equal):
    """max or min of two, once it is known which it is; equals share."""
    return linear(lambda a, b: np.where(equal, (a + b) / 2, np.where(first, a, b)))


def times_transposed(a, b):
    if np.ndim(b) != 2:
        raise ValueError("the second is no matrix")
    return a @ b.T


def softmax(x):
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True)


def standardised(x):
    d = x - x.mean(-1, keepdims=True)
    return d / np.sqrt((d * d).mean(-1, keepdims=True) + 0.5)


def push_standardised(xs, dxs):
    x, = xs
    d, dd = x - x.mean(-1, keepdims=True), dxs[0] - dxs[0].mean(-1, keepdims=True)
    s = np.sqrt((d * d).mean(-1, keepdims=True) + 0.5)
    return dd / s - d * (d * dd).mean(-1, keepdims=True) / s ** 3


def push_softmax(xs, dxs):
    y = softmax(*xs)
    return y * (dxs[0] - (y * dxs[0]).sum(-1, keepdims=True))


ELEMENTWISE = {  # name -> (on Tensors, on arrays, derivative along a direction)
    "tanh": (np.tanh, np.tanh, lambda xs, dxs: (1 - np.tanh(xs[0]) ** 2) * dxs[0]),
    "sin": (np.sin, np.sin, lambda xs, dxs: np.cos(xs[0]) * dxs[0]),
    "square": (F.square, lambda x: x * x, lambda xs, dxs: 2 * xs[0] * dxs[0]),
    "negative": (lambda x: -x, *linear(lambda x: -x)),
    "sigmoid": (F.sigmoid, lambda x: 1 / (1 + np.exp(-x)),
                lambda xs, dxs: dxs[0] / (2 + np.exp(xs[0]) + np.exp(-xs[0]))),
    "scale": (lambda x: 3 * x, *linear(lambda x: 3 * x)),
}
PAIRS = {
    "add": (lambda a, b: a + b, *linear(lambda a, b: a + b)),
    "subtract": (lambda a, b: a - b, *linear(lambda a, b: a - b)),
    "multiply": (lambda a, b: a * b, lambda a, b: a * b, lambda xs, dxs: dxs[0] * xs[1] + xs[0] * dxs[1]),
    "divide": (lambda a, b: a / (1 + b * b), lambda a, b: a / (1 + b * b),
               lambda xs, dxs: dxs[0] / (1 + xs[1] ** 2) - 2 * xs[0] * xs[1] * dxs[1] / (1 + xs[1] ** 2) ** 2),
    "matmul": (lambda a, b: a @ b, np.matmul, lambda xs, dxs: dxs[0] @ xs[1] + xs[0] @ dxs[1]),
    "linear": (F.linear, times_transposed, lambda xs, dxs: dxs[0] @ xs[1].T + xs[0] @ dxs[1].T),
}
EXTREMES = {"maximum": (np.maximum, np.greater), "minimum": (F.minimum, np.less)}
ROWS = {  # of arrays with at least one axis
    "softmax": (lambda x: F.softmax(x, -1), softmax, push_softmax),
    "layer_norm": (lambda x: F.layer_norm(x, x.shape[-1], eps=0.5), standardised, push_standardised),
    "cumsum": (lambda x: F.cumsum(x, -1), *linear(lambda x: np.cumsum(x, -1))),
    "logsumexp": (lambda x: F.logsumexp(x, -1), lambda x: np.log(np.exp(x).sum(-1)),
                  lambda xs, dxs: (softmax(xs[0]) * dxs[0]).sum(-1)),
    "sum": (lambda x: x.sum(-1), *linear(lambda x: x.sum(-1))),
    "mean": (lambda x: np.mean(x, axis=0, keepdims=True), *linear(lambda x: x.mean(0, keepdims=True))),
    "transpose": (lambda x: x.T, *linear(np.transpose)),
    "reshape": (lambda x: x.reshape(-1, 1), *linear(lambda x: x.reshape(-1, 1))),
    "last": (lambda x: x[-1], *linear(lambda x: x[-1])),
    "reversed": (lambda x: x[..., ::-1], *linear(lambda x: x[..., ::-1])),
    "repeated": (lambda x: x[[0, -1, 0]], *linear(lambda x: x[[0, -1, 0]])),
    "new axis": (lambda x: x[:, None], *linear(lambda x: x[:, None])),
}
WHICH = st.integers(0, 7)  # counted from the newest
SEEDS = st.integers(0, 2**32 - 1)
TAPED = st.sampled_from((True, True, True, False))


class Place:
    """One node as the model sees it: what it was computed from, and whether a walk has released it."""

    def __init__(self, parents=()):
        self.parents = parents  # None: a leaf
        self.released = False


class Pair(Place):
    """A Tensor, and its twin in the naive engine."""

    def __init__(self, tensor, value, parents=()):
        super().__init__(parents)
        self.tensor, self.value = tensor, value
        self.grad = None  # what a leaf should have accumulated


class Machine(RuleBasedStateMachine):
    """Grows one graph; every walk is predicted by `_walked` and compared with the Jacobians of the naive engine."""

    def __init__(self):
        super().__init__()
        gc.disable()
        self.places, self.pairs, self.alive = [], [], []

    @initialize(seed=SEEDS)
    def begin(self, seed):
        self.leaf((2, 3), seed, True)

    @rule(shape=st.sampled_from(SHAPES), seed=SEEDS, requires_grad=TAPED)
    def leaf(self, shape, seed, requires_grad):
        x = np.random.default_rng(seed).uniform(-2, 2, shape)
        tensor = tm.tensor(x, requires_grad=requires_grad)
        self._add(Pair(tensor, Value(x, variable=requires_grad), None))

    @rule(name=st.sampled_from(sorted(ELEMENTWISE)), i=WHICH, taped=TAPED)
    def elementwise(self, name, i, taped):
        self._compute(ELEMENTWISE[name], [self._pick(i)], taped)

    @rule(name=st.sampled_from(sorted(ROWS)), i=WHICH, taped=TAPED)
    def rows(self, name, i, taped):
        if self._pick(i).tensor.ndim:
            self._compute(ROWS[name], [self._pick(i)], taped)

    @rule(name=st.sampled_from(sorted(PAIRS)), i=WHICH, j=WHICH, taped=TAPED)
    def pair(self, name, i, j, taped):
        a, b = self._pick(i), self._pick(j)
        try:
            PAIRS[name][1](a.value.data, b.value.data)
        except ValueError:
            with pytest.raises(ValueError):
                PAIRS[name][0](a.tensor, b.tensor)
        else:
            self._compute(PAIRS[name], [a, b], taped)

    @rule(name=st.sampled_from(sorted(EXTREMES)), i=WHICH, j=WHICH)
    def extreme(self, name, i, j):
        """What is the larger is read from the Tensors, in the naive engine too: of equals, rounding may decide."""
        a, b = self._pick(i), self._pick(j)
        on_tensors, better = EXTREMES[name]
        try:
            first, equal = better(a.tensor.data, b.tensor.data), np.equal(a.tensor.data, b.tensor.data)
        except ValueError:
            return
        self._compute((on_tensors, *selecting(first, equal)), [a, b], True)

    @rule(i=WHICH, j=WHICH, k=WHICH)
    def choose(self, i, j, k):
        """where, by a condition that is itself computed."""
        a, b, c = (self._pick(n) for n in (i, j, k))
        condition = c.tensor.data > 0
        try:
            np.broadcast_shapes(a.tensor.shape, b.tensor.shape, condition.shape)
        except ValueError:
            return
        self._compute((lambda x, y: F.where(c.tensor > 0, x, y), *linear(lambda x, y: np.where(condition, x, y))),
                      [a, b], True)

    @rule(i=WHICH)
    def masked(self, i):
        """Those elements that are positive: how many is known only now."""
        a = self._pick(i)
        mask = a.tensor.data > 0
        if mask.any() and mask.ndim:
            self._compute((lambda x: x[x > 0], *linear(lambda x: x[mask])), [a], True)

    @rule(which=st.lists(WHICH, min_size=1, max_size=3))
    def join(self, which):
        """One op of many inputs, perhaps the same one several times."""
        parts = [a for a in map(self._pick, which) if a.tensor.size]
        self._compute((lambda *xs: F.concatenate([x.reshape(-1) for x in xs]),
                       *linear(lambda *xs: np.concatenate([x.reshape(-1) for x in xs]))), parts, True)

    @rule(i=WHICH, in_order=st.booleans())
    def split(self, i, in_order):
        """One op of several results; the gradient of each comes back alone or with the others."""
        a = self._pick(i)
        if not a.tensor.ndim or len(a.tensor) < 2:
            return
        order = np.argsort(a.tensor.data, 0, kind="stable")
        if in_order:
            results, functions = F.sort(a.tensor, 0)[:1], [lambda x: np.take_along_axis(x, order, 0)]
        else:
            results, functions = F.split(a.tensor, 1), [lambda x, k=k: x[k:k + 1] for k in range(len(a.tensor))]
        whole = Place([a])
        self.places.append(whole)
        for tensor, f in zip(results, functions, strict=True):
            self._add(Pair(tensor, apply(*linear(f), a.value), [whole] if a.value.requires_grad else []))

    @rule(i=WHICH)
    def detach(self, i):
        a = self._pick(i)
        self._add(Pair(a.tensor.detach(), Value(a.value.data)))

    @rule(i=WHICH)
    def backward_from_a_constant(self, i):
        y = self._pick(i)
        if not y.value.requires_grad:
            with pytest.raises(ValueError, match="backward: this Tensor does not require grad"):
                y.tensor.backward(y.value.data)

    @rule(i=WHICH, seed=SEEDS, retain=st.booleans())
    def backward(self, i, seed, retain):
        y = self._pick(i, self._taped())
        g = np.random.default_rng(seed).standard_normal(y.tensor.shape)
        given = g.copy()
        with self._expected(self._walked([y], retain)) as allowed:
            y.tensor.backward(given, retain_graph=retain)
        if allowed:
            for x in self._leaves():
                d = gradient([y.value], [g], x.value)
                x.grad = x.grad if d is None else d if x.grad is None else x.grad + d
        self._check_leaves()
        np.testing.assert_array_equal(given, g)
        given[...] = np.nan  # no gradient may be looking at it

    @rule(outputs=st.lists(WHICH, min_size=1, max_size=2), inputs=st.lists(WHICH, min_size=1, max_size=3), seed=SEEDS,
          retain=st.booleans(), create=st.booleans(), used=TAPED)
    def grad(self, outputs, inputs, seed, retain, create, used):
        """Of several outputs with respect to what they were computed from, or to anything."""
        ys = [self._pick(i, self._taped()) for i in outputs]
        xs = [self._pick(i, self._below(ys[0]) if used else self._taped()) for i in inputs]
        gs = [np.random.default_rng(seed + k).standard_normal(y.tensor.shape) for k, y in enumerate(ys)]
        expected = [gradient([y.value for y in ys], gs, x.value) for x in xs]
        found = [None] * len(xs)
        with self._expected(self._walked(ys, retain, xs)) as allowed:
            found = tm.grad([y.tensor for y in ys], [x.tensor for x in xs], gs, retain_graph=retain,
                            create_graph=create, allow_unused=True)
        for d, e in zip(found, expected) if allowed else ():
            assert (d is None) == (e is None)
            if d is not None:
                close(d.data, e)
                if not create:
                    d.data[...] = np.nan  # it is the caller's own: nothing else may change
        self._check_leaves()

    @rule(i=WHICH, j=WHICH, k=WHICH, seed=SEEDS, mode=st.sampled_from((nullcontext, tm.no_grad)))
    def differentiate_twice(self, i, j, k, seed, mode):
        """The gradient with respect to anything, recorded, and how it changes with a leaf."""
        y, rng = self._pick(i, self._taped()), np.random.default_rng(seed)
        z = self._pick(j, self._below(y))
        x = self._pick(k, [a for a in self._below(y) if a.parents is None])
        g, w, u = (rng.standard_normal(a.tensor.shape) for a in (y, z, x))
        with self._expected(self._walked([y], True, [z])) as allowed, mode():
            d, = tm.grad(y.tensor, z.tensor, g, create_graph=True)
        if not allowed:
            return
        try:
            second, = tm.grad(d, x.tensor, w, retain_graph=True, allow_unused=True) if d.requires_grad else (None,)
        except ValueError as error:
            assert "released" in str(error) and not self._walked([y], True, [x])
            return
        expected = second_derivative(y.value, g, z.value, w, x.value, u)
        scale = 0 if second is None else np.abs(second.data * u).sum()
        close(np.float64(0) if second is None else np.sum(second.data * u), expected, scale)

    @rule(i=WHICH, in_place=st.booleans())
    def forget_gradients(self, i, in_place):
        """As a user may: by None, or by writing into the array."""
        for x in self._leaves()[-i:]:
            if in_place and x.grad is not None:
                x.tensor.grad[...] = 0
                x.grad = x.grad * 0
            else:
                x.tensor.grad = x.grad = None

    def teardown(self):
        """Nothing has changed underneath, and dropping the last names frees the graph without the garbage collector."""
        try:
            for a in self.pairs:
                close(a.tensor.data, a.value.data)
            self._check_leaves()
            self.places = self.pairs = a = None
            assert sys.exc_info()[0] or not [ref for ref in self.alive if ref() is not None]
        finally:
            gc.enable()

    def _pick(self, i, among=None):
        """The i-th, counted from the newest."""
        among = among or self.pairs
        return among[-1 - i % len(among)]

    def _taped(self):
        return [a for a in self.pairs if a.value.requires_grad]

    def _below(self, y):
        """What y was computed from, itself included."""
        return [a for a in self.pairs if a.value in y.value.jacobians]

    def _leaves(self):
        return [a for a in self._taped() if a.parents is None]

    def _compute(self, functions, inputs, taped):
        on_tensors, f, push = functions
        y = f(*(a.value.data for a in inputs))
        if np.abs(y).max() > LARGEST or np.ndim(y) > 3:
            return
        with nullcontext() if taped else tm.no_grad():
            tensor = on_tensors(*(a.tensor for a in inputs))
        self._add(Pair(tensor, apply(f, push, *(a.value for a in inputs)) if taped else Value(y),
                       inputs if taped else ()))

    def _add(self, pair):
        close(pair.tensor.data, pair.value.data)
        assert pair.tensor.requires_grad == pair.value.requires_grad
        if pair.parents is not None:
            pair.parents = [a for a in pair.parents if not isinstance(a, Pair) or a.value.requires_grad]
        self.places.append(pair)
        self.pairs.append(pair)
        if pair.tensor._node is not None:
            self.alive.append(weakref.ref(pair.tensor._node))

    def _walked(self, outputs, retain, wanted=None):
        """Whether the walk may be made; marks what it releases, up to where it is refused."""
        below, stack = set(), list(outputs)
        while stack:
            place = stack.pop()
            if place not in below:
                below.add(place)
                stack += place.parents or []
        leading = set(wanted or ())
        for place in self.places:
            if wanted is not None and place.parents and leading & set(place.parents):
                leading.add(place)
        for place in reversed(self.places):
            if place in below and place.parents and (wanted is None or leading & set(place.parents)):
                if place.released:
                    return False
                place.released = not retain
        return True

    def _expected(self, allowed):
        return nullcontext(True) if allowed else refused()

    def _check_leaves(self):
        for x in self._leaves():
            assert (x.tensor.grad is None) == (x.grad is None)
            if x.grad is not None:
                close(x.tensor.grad, x.grad)


class refused:
    """A block that must fail because the graph is released."""

    def __enter__(self):
        return False

    def __exit__(self, kind, error, traceback):
        assert kind is ValueError and "released" in str(error), f"a released graph was walked: {error}"
        return True


def close(found, expected, scale=0.0):
    """To rounding, in proportion to the largest element."""
    assert found.shape == np.shape(expected)
    size = max(1.0, scale, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * size)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=4 * settings.default.max_examples, stateful_step_count=50)
