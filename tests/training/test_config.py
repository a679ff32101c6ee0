"""What a configuration refuses, what counts as better, how many steps an epoch has; what an average gives away."""

import inspect
import math

import numpy as np
import pytest

from tinymm import nn
from tinymm.training import ExponentialMovingAverage, Selection, TrainingConfig, TrainingSet

NAN = math.nan


@pytest.mark.parametrize("mode, value, best, better", [
    ("max", 0.5, None, True), ("max", 0.0, None, True), ("min", 0.0, None, True), ("max", NAN, None, False),
    ("max", 0.6, 0.5, True), ("max", 0.5, 0.5, False), ("max", 0.4, 0.5, False), ("min", 0.4, 0.5, True),
    ("min", 0.5, 0.5, False), ("min", 0.6, 0.5, False), ("min", NAN, 0.5, False), ("max", 0.0, -1.0, True)])
def test_what_is_better(mode, value, best, better):
    assert Selection("x", mode).is_better(value, best) is better


@pytest.mark.parametrize("name", ["epochs", "batch_size", "replicas", "log_every"])
def test_counts_are_at_least_one(name):
    with pytest.raises(ValueError, match=f"TrainingConfig: {name} must be at least 1; got 0"):
        TrainingConfig(**{"epochs": 1, "batch_size": 1, name: 0})
    TrainingConfig(**{"epochs": 1, "batch_size": 1, name: 1})


@pytest.mark.parametrize("wrong", [0, 0.0, -1.0, NAN])
def test_a_bound_on_the_norm_is_positive(wrong):
    with pytest.raises(ValueError, match="TrainingConfig: max_norm must be positive"):
        TrainingConfig(1, 1, max_norm=wrong)
    with pytest.raises(ValueError, match="Selection: patience must be at least 1 epoch; got 0"):
        Selection("x", patience=0)


@pytest.mark.parametrize("examples, size, steps", [(0, 4, 0), (1, 4, 1), (4, 4, 1), (5, 4, 1), (6, 4, 2), (100, 32, 4)])
def test_the_last_step_takes_what_is_left_and_a_single_example_joins_another(examples, size, steps):
    assert TrainingConfig(3, size).steps_per_epoch(examples) == steps


def test_what_is_not_said():
    given = {name: p.default for name, p in inspect.signature(TrainingConfig).parameters.items()}
    assert given == dict(epochs=inspect.Parameter.empty, batch_size=inspect.Parameter.empty, seed=0, max_norm=None,
                         selection=None, ema_decay=None, replicas=1, log_every=50, checkpoint_every=60.0,
                         drop_last=False)


def test_the_state_of_an_average_is_a_copy(rng):
    average = ExponentialMovingAverage(nn.Linear(2, 2, rng=rng).named_parameters(), 0.5)
    state = average.state_dict()
    assert all(isinstance(value, np.ndarray) for value in state.values())
    kept = {name: value.copy() for name, value in average.averages.items()}
    for value in state.values():
        value[...] = 7
    assert all((average.averages[name] == kept[name]).all() for name in kept)


def test_an_arranged_order_is_kept_and_cut_into_batches():
    data = TrainingSet(7, lambda rows, rng: rows, arrange=lambda rng: np.arange(7)[::-1])
    assert [rows.tolist() for rows in data.order(3, None)] == [[6, 5, 4], [3, 2, 1, 0]]     # a single one joins
    assert [rows.tolist() for rows in data.order(3, None, drop_last=True)] == [[6, 5, 4], [3, 2, 1]]
    with pytest.raises(ValueError, match="an order is arranged, or follows from lengths; got both"):
        TrainingSet(2, lambda rows, rng: rows, lengths=[1, 2], arrange=lambda rng: np.arange(2))
