"""What optimisers refuse: settings, parameters, saved states that do not fit."""

import math

import numpy as np
import pytest

import tinymm as tm
from tinymm.optim import SGD, Adam, AdamW

from .test_optimizers import parameters, steps


@pytest.mark.parametrize("call, message", [
    (lambda p: SGD([]), "SGD: needs at least one parameter"),
    (lambda p: SGD([p, p]), "only once"),
    (lambda p: SGD([p * 2]), "leaf Tensors"),
    (lambda p: SGD([p, p * 2]), "leaf Tensors"),
    (lambda p: SGD([{"params": [p]}, {"params": [], "lr": -1}]), "must not be negative"),
    (lambda p: SGD([{"params": [p], "rate": 1}]), "got rate"),
    (lambda p: SGD([p], lr=-1), "must not be negative"),
    (lambda p: SGD([p], lr=math.nan), "must not be negative; got nan"),
    (lambda p: SGD([p], momentum=0.5, dampening=-1), "SGD: .* dampening and weight_decay must not be negative"),
    (lambda p: Adam([{"params": [p], "lr": -1.0}]), "Adam: lr, eps and weight_decay must not be negative; got -1"),
    (lambda p: Adam([p], betas=(0.9,)), "Adam: betas must be two numbers"),
    (lambda p: Adam([p]).load_state_dict({}), "group 0 of this Adam has 1 parameters and lr, betas, .*; the state"),
    (lambda p: SGD([p]).load_state_dict(Adam([p]).state_dict()), "group 0 of this SGD has 1 parameters"),
    (lambda p: SGD([p]).load_state_dict(SGD([p, tm.tensor([1.0])]).state_dict()), "the state is of another"),
    (lambda p: SGD([p], nesterov=True), "nesterov needs momentum"),
    (lambda p: AdamW([p], betas=(0.9, 1.0)), "AdamW: betas must be two numbers in"),
    (lambda p: Adam([p], eps=-1e-8), "Adam: lr, eps and weight_decay"),
    (lambda p: Adam([p]).load_state_dict({"state.1.step": 3}), "has 1 parameters in 1 groups; got 'state.1.step'"),
    (lambda p: Adam([p]).load_state_dict({"state.0.exp_avg": np.zeros(3)}),
     r"shape of its parameter, \(1,\); got \(3,\)"),
])
def test_errors_name_the_rule(call, message):
    with pytest.raises(ValueError, match=message):
        call(tm.tensor([1.0], requires_grad=True))


NUMBERS = [1j, None, "a", b"a", [None], np.array(["0.1"])]
MISFITS = [*({name: value} for name in ("state.0.exp_avg", "state.0.step", "param_groups.0.lr") for value in NUMBERS),
           {"state.0.exp_avg": np.zeros(3)}, {"state.0.step": np.zeros(2, int)},
           {"state.0.momentum_buffer": np.zeros(2)},
           {"param_groups.0.params": 3}, {"param_groups.0.momentum": 0.9}, {"param_groups.0.lr": [0.1, 0.2]},
           {"param_groups.0.betas": 0.9}, {"param_groups.0.lr": -1.0}, {"state.²0.step": 3}, {"other": 1}]


@pytest.mark.parametrize("misfit", MISFITS, ids=str)
def test_a_state_that_does_not_fit_changes_nothing(misfit, rng):
    saved, optimizer = (Adam(parameters([(2,), ()], rng)) for _ in range(2))
    for o in (saved, optimizer):
        steps(o, rng, 2)
    before = {name: value.tolist() for name, value in optimizer.state_dict().items()}
    with pytest.raises(ValueError, match="load_state_dict|Adam: "):
        optimizer.load_state_dict({**saved.state_dict(), **misfit})
    assert {name: value.tolist() for name, value in optimizer.state_dict().items()} == before


@pytest.mark.parametrize("missing", ["state.0.step", "state.1.exp_avg", "param_groups.0.lr", "param_groups.0.params"])
def test_a_state_with_a_gap_changes_nothing(missing, rng):
    optimizer = Adam(parameters([(2,), ()], rng))
    steps(optimizer, rng, 2)
    state = optimizer.state_dict()
    del state[missing]
    with pytest.raises(ValueError, match="load_state_dict"):
        optimizer.load_state_dict(state)
