"""The slow copy and the queue: the average by hand, order and age, equal captions, no gradient, exact resume."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm.mapping import (MomentumEncoder, PairQueue, Temperature, info_nce_one_way, queue_loss, same, unit)
from tinymm.testing import gradcheck
from tinymm.training import Trainer, TrainingConfig, TrainingSet, load_checkpoint, needs_whole_batch


class Towers(tm.nn.Module):
    """Two small encoders, one with dropout and batch statistics, and a temperature."""

    def __init__(self, rng):
        self.image = tm.nn.Sequential(tm.nn.Linear(5, 6, rng=rng), tm.nn.BatchNorm1d(6), tm.nn.Dropout(0.3, rng=rng),
                                      tm.nn.Linear(6, 4, rng=rng))
        self.text = tm.nn.Linear(3, 4, rng=rng)
        self.scale = Temperature()

    def forward(self, images, texts):
        return unit(self.image(tm.tensor(images))), unit(self.text(tm.tensor(texts)))


def units(rng, *shape):
    x = rng.normal(size=shape)
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


# The slow copy --------------------------------------------------------------------------------------------------------

@given(st.floats(0, 0.999), st.integers(1, 5))
def test_parameters_are_a_moving_average_and_buffers_are_not(m, steps):
    rng = np.random.default_rng(steps)
    model = Towers(rng)
    momentum = MomentumEncoder(model, m, rng=rng)
    expected = {name: p.data.astype(np.float64) for name, p in model.named_parameters()}
    before = [b.copy() for b in momentum.slow.buffers()]
    for _ in range(steps):
        for p in model.parameters():
            p.data += rng.normal(size=p.shape).astype(np.float32)
        for b in model.buffers():
            b += 1
        momentum.update(model)
        expected = {name: m * e + (1 - m) * dict(model.named_parameters())[name].data for name, e in expected.items()}
    for name, p in momentum.slow.named_parameters():
        np.testing.assert_allclose(p.data, expected[name], rtol=1e-5, atol=1e-5)
    assert len(before) > 0 and all((a == b).all() for a, b in zip(before, momentum.slow.buffers()))


def test_the_copy_stands_alone(rng):
    model = Towers(rng)
    momentum = MomentumEncoder(model, rng=rng)
    assert momentum.momentum == 0.995 and not any(p.requires_grad for p in momentum.parameters())
    assert all(p.requires_grad for p in model.parameters())
    assert not {id(p.data) for p in model.parameters()} & {id(p.data) for p in momentum.parameters()}
    images, texts = rng.normal(size=(8, 5)).astype(np.float32), rng.normal(size=(8, 3)).astype(np.float32)
    ours, slow = model(images, texts)[0], momentum(images, texts)[0]
    assert ours.requires_grad and not slow.requires_grad
    assert not np.allclose(ours.data, slow.data)                            # other dropout masks
    model.eval(), momentum.eval()
    assert (model(images, texts)[1].data == momentum(images, texts)[1].data).all()
    for wrong in (1.0, -0.1, math.nan):
        with pytest.raises(ValueError, match=r"MomentumEncoder: momentum lies in \[0, 1\)"):
            MomentumEncoder(model, wrong, rng=rng)


# The queue ------------------------------------------------------------------------------------------------------------

@given(st.integers(1, 4), st.integers(1, 4), st.lists(st.booleans(), max_size=12), st.integers(0, 99))
def test_the_queue_holds_the_newest_pairs(batch, batches, pushes, seed):
    """Beside a list to whose end everything is appended; a small batch may come at any time."""
    rng = np.random.default_rng(seed)
    queue = PairQueue(batch * batches, 3, batch, rng=rng)
    assert np.allclose(np.linalg.norm(queue.x, axis=1), 1) and (queue.keys == -1).all()
    said = [*zip(queue.x.copy(), queue.y.copy(), queue.keys.copy())]
    for whole in pushes:
        n = batch if whole else int(rng.integers(1, batch + 1))
        x, y, keys = units(rng, n, 3), units(rng, n, 3), rng.integers(5, size=n)
        queue.push(tm.tensor(x), y, keys)
        said += zip(x, y, keys)
    newest = said[-len(queue.keys):]
    order = (queue.next + np.arange(len(queue.keys))) % len(queue.keys)     # the oldest first
    for k, (x, y, key) in zip(order, newest):
        assert (queue.x[k] == x).all() and (queue.y[k] == y).all() and queue.keys[k] == key


def test_equal_captions_in_the_queue_are_right_answers(rng):
    queue = PairQueue(6, 4, 2, rng=rng)
    queue.push(units(rng, 2, 4), units(rng, 2, 4), [4, 9])
    captions = [9, 5, 9]
    expected = np.concatenate([same(captions), same(captions, [4, 9, None, None, None, None])], axis=1)
    assert (queue.targets(captions) == expected).all()


def test_the_loss_by_its_parts_and_its_gradient(rng):
    queue = PairQueue(4, 3, 2, rng=rng)
    queue.push(units(rng, 2, 3), units(rng, 2, 3), [1, 2])
    slow_x, slow_y = units(rng, 2, 3), units(rng, 2, 3)
    x, y = rng.normal(size=(2, 2, 3))
    keys, s = [2, 7], np.array(1.5)
    targets = np.array([[1, 0, 0, 1, 0, 0], [0, 1, 0, 0, 0, 0]], bool)
    found = queue_loss(unit(x), unit(y), slow_x, slow_y, queue, s, keys).item()
    parts = [info_nce_one_way(unit(a), np.concatenate(b), s, targets).item()
             for a, b in ((x, (slow_y, queue.y)), (y, (slow_x, queue.x)))]
    assert found == pytest.approx(np.mean(parts), rel=1e-12)
    assert gradcheck(lambda x, y, s: queue_loss(unit(x), unit(y), slow_x, slow_y, queue, s, keys), [x, y, s])


def test_the_queue_and_the_slow_embeddings_have_gradient_zero_though_they_matter(rng):
    queue = PairQueue(4, 3, 2, rng=rng)
    x, y, slow_x, slow_y = (tm.tensor(units(rng, 2, 3), requires_grad=True) for _ in range(4))

    def value():
        return queue_loss(x, y, slow_x, slow_y, queue, 1.0, [0, 1])

    value().backward()
    assert slow_x.grad is None and slow_y.grad is None and np.abs(x.grad).max() > 0 and np.abs(y.grad).max() > 0
    assert isinstance(queue.x, np.ndarray) and isinstance(queue.y, np.ndarray)      # no tape reaches an array
    before = value().item()
    for array in (queue.x, queue.y, slow_x.data, slow_y.data):
        kept = array.copy()
        array[0] = -array[0]
        assert value().item() != before
        array[...] = kept


def test_identical_embeddings_give_ln_of_batch_and_queue(rng):
    queue = PairQueue(6, 3, 2, rng=rng)
    one = np.repeat(units(rng, 1, 3), 6, axis=0)
    queue.push(one[:2], one[:2], [1, 2])
    queue.x[...] = queue.y[...] = one
    assert queue_loss(one[:2], one[:2], one[:2], one[:2], queue, 2.0, [1, 5]).item() == pytest.approx(math.log(8))


@pytest.mark.parametrize("length, batch", [(5, 2), (0, 1), (2, 4), (4, 0)])
def test_a_length_that_is_no_multiple_of_the_batch_is_refused(length, batch, rng):
    with pytest.raises(ValueError, match="PairQueue: the length must be a positive multiple of the batch size"):
        PairQueue(length, 3, batch, rng=rng)


@pytest.mark.parametrize("x, keys, message", [
    (np.eye(2) * 2, [0, 1], "unit vectors; got a length of 2"),
    (np.full((2, 2), np.nan), [0, 1], "unit vectors; got a length of nan"),
    (np.eye(2), [0, -1], "none negative"), (np.eye(2), [0.0, 1.0], "keys must be a vector of integers"),
    (np.eye(2), [0], "must be two arrays"), (np.eye(3), [0, 1, 2], "must be two arrays"),
    (np.eye(6, 2), list(range(6)), "B at most 4"),
])
def test_what_does_not_fit_the_queue_is_refused_and_changes_nothing(x, keys, message, rng):
    queue = PairQueue(4, 2, 2, rng=rng)
    before = queue.state_dict()
    with pytest.raises(ValueError, match=f"PairQueue: .*{message}"):
        queue.push(x, x, keys)
    assert all((queue.state_dict()[name] == before[name]).all() for name in before)
    with pytest.raises(ValueError, match=r"PairQueue: the queue is \(4, 2\); got \(6, 2\)"):
        queue.load_state_dict(PairQueue(6, 2, 2, rng=rng).state_dict())


# In a Trainer ---------------------------------------------------------------------------------------------------------

def build(folder, crash_at=None):
    """A run of momentum contrast, the same each time."""
    rng = np.random.default_rng(0)
    images, texts = rng.normal(size=(20, 5)).astype(np.float32), rng.normal(size=(20, 3)).astype(np.float32)
    model = Towers(rng)
    momentum, queue = MomentumEncoder(model, 0.9, rng=rng), PairQueue(8, 4, 4, rng=rng)

    @needs_whole_batch
    def loss(model, rows, rng):
        momentum.update(model)
        slow = momentum(images[rows], texts[rows])
        found = queue_loss(*model(images[rows], texts[rows]), *slow, queue, model.scale(), rows % 7)
        queue.push(*slow, rows % 7)
        if trainer.at.step == crash_at:
            raise RuntimeError("the machine went off")      # after the last checkpoint, with the queue changed already
        return found

    trainer = Trainer(model, loss, tm.optim.AdamW(model.parameters(), lr=0.02), TrainingSet(20, lambda rows, rng: rows),
                      TrainingConfig(epochs=3, batch_size=4, seed=3, checkpoint_every=0.0), folder=folder)
    trainer.extra_state = {"momentum": momentum, "queue": queue}
    trainer.after_step = lambda model: model.scale.clamp_()
    return trainer


def test_a_broken_off_run_ends_bit_for_bit_as_an_undisturbed_one(tmp_path):
    build(tmp_path / "whole").fit(progress=False)
    for step in (0, 4, 11):
        with pytest.raises(RuntimeError, match="went off"):
            build(tmp_path / "broken", step).fit(resume=True, progress=False)
    build(tmp_path / "broken").fit(resume=True, progress=False)
    (whole, meta), (broken, other) = (load_checkpoint(tmp_path / name / "checkpoint.npz")
                                      for name in ("whole", "broken"))
    assert list(whole) == list(broken) and all((whole[name] == broken[name]).all() for name in whole)
    assert meta["rng"] == other["rng"]
    assert {"extra_state/queue/keys", "extra_state/momentum/slow.text.weight"} <= {*whole}
