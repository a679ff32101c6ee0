"""A picture of a Module's wiring shows what flows where, whatever it is made of."""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F
from tinymm import fusion, nn


def drawn(diagram):
    """Arrows by label and detail: a set of (from, to)."""
    labels = [f"{box.label} {box.detail}".strip() for box in diagram.boxes]
    return {(labels[source], labels[target]) for source, target in diagram.arrows}


class Gate(nn.Module):
    """A gate from y on x, with parameters that no layer owns, and two results."""

    def __init__(self, rng):
        self.gate = nn.Linear(3, 3, rng=rng)
        self.drop = nn.Dropout(0.5, rng=rng)
        self.token = nn.Parameter(np.ones(3, np.float32))

    def forward(self, pair):
        x, y = pair
        gate = F.sigmoid(self.drop(self.gate(F.reshape(y, (2, 3)))))
        return gate * x + self.token, gate


@pytest.fixture
def pair():
    return np.ones((2, 3), np.float32), np.ones((6,), np.float32)


def test_layers_functions_parameters_and_results(rng, pair):
    diagram = nn.wiring(Gate(rng), pair, names=["x", "y"])
    assert drawn(diagram) == {
        ("y 6", "gate Linear, sigmoid"), ("gate Linear, sigmoid", "×"), ("x 2 × 3", "×"), ("×", "+"),
        ("token 3", "+"), ("+", "result 1 2 × 3"), ("gate Linear, sigmoid", "result 2 2 × 3")}
    assert {box.kind for box in diagram.boxes} == {"input", "layer", "function", "parameter", "output"}


def test_a_layer_called_twice_has_two_boxes(rng):
    class Twice(nn.Module):
        def __init__(self):
            self.inner = nn.Linear(3, 3, rng=rng)

        def forward(self, x):
            return self.inner(self.inner(x))

    diagram = nn.wiring(Twice(), np.ones((2, 3)))
    assert [box.label for box in diagram.boxes] == ["input 1", "inner", "inner", "result"]
    assert diagram.arrows == [(0, 1), (1, 2), (2, 3)]


def test_a_class_can_be_one_box(rng, pair):
    class Around(nn.Module):
        def __init__(self):
            self.inside = Gate(rng)

        def forward(self, pair):
            return self.inside(pair)[0]

    assert drawn(nn.wiring(Around(), pair, names=["x", "y"], whole=Gate)) == {
        ("x 2 × 3", "inside Gate"), ("y 6", "inside Gate"), ("inside Gate", "result 2 × 3")}


def test_several_results_of_an_op_and_whole_numbers(rng):
    class Read(nn.Module):
        def __init__(self):
            self.words, self.cell = nn.Embedding(5, 3, rng=rng), nn.LSTM(3, 3, rng=rng)

        def forward(self, ids):
            return self.cell(self.words(ids))[0]

    assert drawn(nn.wiring(Read(), np.array([[1, 2]]))) == {
        ("words Embedding", "cell LSTM"), ("cell LSTM", "result 1 × 2 × 3")}


def test_it_leaves_no_trace(rng, pair):
    gate = Gate(rng)
    noise = gate.rng_state()
    with tm.no_grad():
        nn.wiring(gate, pair)
    assert gate.training and gate.drop.training and gate.rng_state() == noise
    assert "forward" not in vars(gate.gate) and all(p.grad is None for p in gate.parameters())


class Numbers(nn.Module):
    """Arithmetic with plain numbers, a normalised product, and a result that nobody asks for."""

    def __init__(self, rng):
        self.inner = nn.ModuleList([nn.Linear(4, 4, rng=rng), nn.Linear(4, 4, rng=rng)])
        self.seen = nn.Linear(4, 1, rng=rng)

    def forward(self, x, y):
        total = sum((W(part) for W, part in zip(self.inner, (x, y))))        # begins with 0 + W x
        self.seen(x)
        return (1 - F.normalize(total, dim=-1)) * 0.5


def test_a_number_is_part_of_the_label_and_what_does_nothing_is_not(rng):
    assert drawn(nn.wiring(Numbers(rng), np.ones((2, 4)), np.ones((2, 4)), names=["x", "y"])) == {
        ("x 2 × 4", "inner.0 Linear"), ("y 2 × 4", "inner.1 Linear"), ("inner.0 Linear", "+ normalize, 1 −, × 0.5"),
        ("inner.1 Linear", "+ normalize, 1 −, × 0.5"), ("+ normalize, 1 −, × 0.5", "result 2 × 4")}


def test_an_input_that_reaches_nothing_is_shown_without_arrows(rng):
    class Deaf(nn.Module):
        def __init__(self):
            self.inner = nn.Linear(3, 3, rng=rng)

        def forward(self, x, y):
            return self.inner(x)

    diagram = nn.wiring(Deaf(), np.ones((1, 3)), np.ones((1, 3)), names=["x", "y"])
    assert [box.label for box in diagram.boxes] == ["x", "y", "inner", "result"] and diagram.arrows == [(0, 2), (2, 3)]


def test_names_are_as_long_as_they_must_be(rng):
    """The last parts of a name that no other name ends with, and that do not begin with a number."""
    class Deep(nn.Module):
        def __init__(self):
            self.stack = nn.ModuleList([nn.ModuleDict({"first": nn.Linear(3, 3, rng=rng)}),
                                        nn.ModuleDict({"first": nn.Linear(3, 3, rng=rng),
                                                       "last": nn.Linear(3, 3, rng=rng)})])

        def forward(self, x):
            for part in self.stack:
                x = part["first"](x)
            return self.stack[1]["last"](x)

    labels = [box.label for box in nn.wiring(Deep(), np.ones((1, 3))).boxes]
    assert labels == ["input 1", "stack.0.first", "stack.1.first", "last", "result"]


def test_a_count_sketch_is_one_function(rng):
    pool = fusion.MCBFusion({"text": 3, "image": 2}, 4, rng=rng)
    x, y = rng.standard_normal((1, 3)), rng.standard_normal((1, 2))
    labels = [box.label for box in nn.wiring(pool, (x, y), names=["text", "image"]).boxes]
    assert labels == ["text", "image", "count sketch", "count sketch", "circular convolution", "result"]
