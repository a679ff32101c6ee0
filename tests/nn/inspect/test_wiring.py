"""A picture of a Module's wiring shows what flows where, whatever it is made of."""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F
from tinymm import nn


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
