"""The moving average of the parameters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm.training import ExponentialMovingAverage


def walked(n, decay=0.9, seed=0):
    rng = np.random.default_rng(seed)
    p = tm.tensor(rng.standard_normal((2, 3)).astype(np.float32), requires_grad=True)
    q = tm.tensor(np.float64(1.0), requires_grad=True)
    ema = ExponentialMovingAverage([("p", p), ("q", q)], decay)
    trail = [p.data.copy()]
    for _ in range(n):
        p.data += rng.standard_normal(p.shape).astype(np.float32)
        q.data += 1
        trail.append(p.data.copy())
        ema.update()
    return ema, trail


@given(n=st.integers(0, 30), decay=st.floats(0, 0.99))
def test_is_a_weighted_mean_of_the_trail(n, decay):
    ema, trail = walked(n, decay)
    rates = np.array([1.0, *(1 - min(decay, (1 + t) / (10 + t)) for t in range(1, n + 1))])
    weights = rates * np.append(np.cumprod((1 - rates[1:])[::-1])[::-1], 1)
    assert weights.sum() == pytest.approx(1)
    # float32: a few roundings per update of numbers of size 10
    np.testing.assert_allclose(ema.averages["p"], np.tensordot(weights, trail, 1), atol=2e-5)
    assert ema.averages["p"].dtype == np.float32 and ema.averages["q"].dtype == np.float64


def test_a_constant_stays():
    p = tm.tensor([2.0, 3.0], requires_grad=True)
    ema = ExponentialMovingAverage([("p", p)], 0.99)
    for _ in range(5):
        ema.update()
    assert ema.averages["p"].tolist() == [2.0, 3.0]


def test_applied_and_put_back():
    ema, trail = walked(5)
    p = ema.parameters["p"]
    memory = p.data
    with pytest.raises(RuntimeError), ema.applied():
        assert (p.data == ema.averages["p"]).all()
        raise RuntimeError
    assert p.data is memory and (p.data == trail[-1]).all()


def test_resumed_equals_undisturbed():
    whole, _ = walked(12)
    first, _ = walked(12)
    second, trail = walked(0)
    state = first.state_dict()
    second.load_state_dict(state)
    for ema in (whole, second):
        ema.parameters["p"].data[...] = 7
        ema.update()
    assert (whole.averages["p"] == second.averages["p"]).all() and second.updates == 13
    assert (state["average.p"] == first.averages["p"]).all()


def test_decay_is_checked():
    with pytest.raises(ValueError, match=r"ExponentialMovingAverage: decay must be in \[0, 1\); got 1.0"):
        ExponentialMovingAverage([], 1.0)
