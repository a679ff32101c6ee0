"""Shares of a batch through replicas: the gradient of the whole, whoever computes it."""

from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm.training.replicas import backward_replicas

from .small_run import build


class Net(tm.nn.Module):
    """Two layers that share a weight, one frozen parameter, one without use."""

    def __init__(self, rng):
        self.weight = tm.nn.Parameter(rng.standard_normal((3, 3)))
        self.frozen = tm.nn.Parameter(rng.standard_normal(3), requires_grad=False)
        self.unused = tm.nn.Parameter(rng.standard_normal(2))

    def forward(self, x):
        return np.tanh(x @ self.weight + self.frozen) @ self.weight


def mean_loss(net, x):
    y = net(tm.tensor(x))
    return (y * y).mean()


@given(n=st.integers(2, 9), count=st.integers(1, 4), seed=st.integers(0, 2**32 - 1))
def test_the_gradient_is_that_of_the_whole_batch(n, count, seed):
    rng = np.random.default_rng(seed)
    net, x = Net(rng), rng.standard_normal((n, 3))
    whole = mean_loss(net, x)
    (expected,) = tm.grad(whole, [net.weight])
    shares = np.array_split(x, min(count, n))
    numbers = backward_replicas(net, lambda replica, k: (mean_loss(replica, shares[k]), {"rows": len(shares[k])}),
                                [len(share) / n for share in shares])
    np.testing.assert_allclose(net.weight.grad, expected, rtol=1e-12, atol=1e-13)
    assert numbers["loss"] == pytest.approx(whole.item(), rel=1e-12)
    assert numbers["rows"] == pytest.approx(sum(len(share) ** 2 for share in shares) / n)
    assert net.frozen.grad is None and net.unused.grad is None


def test_a_parameter_only_a_copy_uses_gets_its_gradient(rng):
    net = Net(rng)
    backward_replicas(net, lambda replica, k: (replica.unused if k else replica.weight).sum(), [0.25, 0.75])
    assert (net.weight.grad == 0.25).all() and (net.unused.grad == 0.75).all()


def test_each_replica_draws_anew_and_every_step_too(rng):
    net = tm.nn.Sequential(tm.nn.Dropout(0.5, rng=rng), tm.nn.BatchNorm1d(20))
    draws = {}

    def loss(replica, k):
        draws.setdefault(k, []).append((replica[0](tm.tensor(np.ones(100))).data > 0).tobytes())
        return (replica[1].weight * 0.0).sum()

    state = net.rng_state()
    for _ in range(2):
        backward_replicas(net, loss, [0.5, 0.5])
    assert len({*draws[0], *draws[1]}) == 4
    net.load_rng_state(state)
    backward_replicas(net, loss, [0.5, 0.5])
    assert draws[0][2] == draws[0][0] and draws[1][2] == draws[1][0]


def test_running_statistics_are_the_mean_of_the_replicas(rng):
    net, x = tm.nn.BatchNorm1d(2), rng.standard_normal((12, 2)).astype(np.float32)
    shares = np.split(x, [9])
    backward_replicas(net, lambda replica, k: replica(tm.tensor(shares[k])).sum(), [0.75, 0.25])
    np.testing.assert_allclose(net.running_mean, 0.1 * x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(net.running_var,
                               0.9 + 0.1 * (0.75 * shares[0].var(0, ddof=1) + 0.25 * shares[1].var(0, ddof=1)),
                               rtol=1e-5)
    assert net.num_batches_tracked == 1


def test_what_a_replica_raises_reaches_the_caller(rng):
    def loss(replica, k):
        if k == 1:
            raise FloatingPointError("in the second one")
        return replica.weight.sum()

    with pytest.raises(FloatingPointError, match="in the second one"):
        backward_replicas(Net(rng), loss, [0.5, 0.5])


def test_the_debugger_sees_every_replica(rng):
    with tm.debug(), np.errstate(divide="ignore"), pytest.raises(FloatingPointError, match="log"):
        backward_replicas(Net(rng), lambda replica, k: np.log(replica.weight * float(k == 0) * 0.0 + 1 - k).sum(),
                          [0.5, 0.5])


def test_a_run_repeats_itself_bit_for_bit():
    runs = [build(replicas=3) for _ in range(2)]
    for trainer in runs:
        trainer.fit(progress=False)
    (first, second) = (trainer.model.state_dict() for trainer in runs)
    assert all((first[name] == second[name]).all() for name in first)
    other = build(replicas=2)
    other.fit(progress=False)
    assert (other.model.state_dict()["first.weight"] != first["first.weight"]).any()


class Counting(tm.nn.Module):
    """A weight, a floating buffer and a whole one."""

    def __init__(self):
        self.w = tm.nn.Parameter(np.ones(1, np.float32))
        self.register_buffer("mean", np.zeros(1, np.float32))
        self.register_buffer("count", np.zeros(1, np.int64))

    def forward(self, x):
        self.mean[...] = x.data.mean()
        self.count += 2
        return (self.w * x).sum()


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("fractions", [[1.0], [0.75, 0.25], [0.5, 0.25, 0.25]])
def test_gradients_and_buffers_under_a_watch_too(fractions, watched):
    """Gradients and floating buffers are weighted; what counts in whole numbers stays the first replica's own."""
    model = Counting()
    x = np.arange(1.0, 4.0, dtype=np.float32)
    with tm.debug() if watched else nullcontext():
        numbers = backward_replicas(model, lambda replica, k: replica(tm.tensor(x[k:k + 1])), fractions)
    expected = sum(w * v for w, v in zip(fractions, x))
    np.testing.assert_allclose([model.w.grad.item(), model.mean.item(), numbers["loss"]], expected, rtol=1e-6)
    assert model.w.grad.dtype == np.float32 and model.count.tolist() == [2]
