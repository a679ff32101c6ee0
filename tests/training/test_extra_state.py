"""Extra state, the hook before clipping, losses that allow no replicas: a small run of momentum contrast."""

import copy
import math
import signal
from functools import partial, wraps

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F
from tinymm.training import (Selection, Trainer, TrainingConfig, TrainingSet, load_checkpoint, load_weights,
                             needs_whole_batch)

from .endings import Crash, assert_same_ending, ending

N, EPOCHS, BATCH, WIDTH = 20, 3, 8, 4
STEPS = EPOCHS * math.ceil(N / BATCH)


class Encoder(tm.nn.Module):
    """Linear, dropout, linear."""

    def __init__(self, rng):
        self.first = tm.nn.Linear(6, 8, rng=rng)
        self.dropout = tm.nn.Dropout(0.3, rng=rng)
        self.last = tm.nn.Linear(8, WIDTH, rng=rng)

    def forward(self, x):
        return self.last(self.dropout(F.tanh(self.first(tm.tensor(x)))))


class Queue:
    """The newest rows of earlier batches."""

    def __init__(self, size=13):
        self.rows = np.random.default_rng(5).standard_normal((size, WIDTH)).astype(np.float32)
        self.next = 0  # the oldest

    def push(self, rows):
        places = (self.next + np.arange(len(rows))) % len(self.rows)
        self.rows[places] = rows
        self.next = (self.next + len(rows)) % len(self.rows)

    def state_dict(self):
        return {"rows": self.rows, "next": np.array(self.next)}

    def load_state_dict(self, state):
        if state["rows"].shape != self.rows.shape:
            raise ValueError(f"Queue: rows must be {self.rows.shape}; got {state['rows'].shape}")
        self.rows[...] = state["rows"]
        self.next = int(state["next"])


def modulate(model, numbers, rng):
    """One layer's gradient, weakened by what the loss found and with noise."""
    grad = model.first.weight.grad
    grad *= 1 - 0.5 * numbers["accuracy"]
    grad += 0.01 * rng.standard_normal(grad.shape, dtype=np.float32)


def build(folder=None, changes_in_loss=lambda moment: None, validate=None, **changes):
    """A Trainer, the same each time; `changes_in_loss` is called before and after the loss changes the state."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((N, 6)).astype(np.float32)
    model = Encoder(rng)
    tower = copy.deepcopy(model)
    tower.dropout.rng = np.random.default_rng(1)
    queue = Queue()

    @needs_whole_batch
    def contrast(model, batch, rng):
        changes_in_loss("before")
        with tm.no_grad():
            for slow, fast in zip(tower.parameters(), model.parameters()):
                slow.data += 0.1 * (fast.data - slow.data)
            keys = tower(batch + 0.1 * rng.standard_normal(batch.shape, dtype=np.float32)).data
        queries = model(batch)                                                  # (B, D)
        scores = F.matmul(queries, np.concatenate([keys, queue.rows]).T)        # (B, B + Q)
        labels = np.arange(len(batch))
        queue.push(keys)
        changes_in_loss("after")
        return F.cross_entropy(scores, labels), {"accuracy": (scores.data.argmax(1) == labels).mean()}

    def spread(model):
        return {"spread": model(x).data.std()}

    options = {"epochs": EPOCHS, "batch_size": BATCH, "seed": 3, "max_norm": 1.0, "log_every": 2,
               "selection": Selection("val/spread"), "checkpoint_every": 0.0, **changes}
    trainer = Trainer(model, contrast, tm.optim.AdamW(model.parameters(), lr=0.02),
                      TrainingSet(N, lambda rows, rng: x[rows]), TrainingConfig(**options), None, validate or spread,
                      folder)
    trainer.extra_state = {"queue": queue, "tower": tower}
    trainer.after_backward = modulate
    return trainer


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    build(folder).fit(progress=False)
    return ending(folder)


def resumed(folder, **changes):
    build(folder, **changes).fit(resume=True, progress=False)
    return ending(folder)


def test_the_state_matters(undisturbed, tmp_path):
    """Otherwise equal endings would prove nothing: each piece of the state changes the run."""
    for damage in (lambda trainer: trainer.extra_state["queue"].rows.fill(0.5),
                   lambda trainer: trainer.extra_state["tower"].last.weight.data.fill(0.5),
                   lambda trainer: trainer.extra_state["tower"].dropout.rng.random()):
        trainer = build(tmp_path)
        damage(trainer)
        trainer.fit(progress=False)
        assert (ending(tmp_path)[0]["model/last.weight"] != undisturbed[0]["model/last.weight"]).any()


@pytest.mark.parametrize("every", [0.0, 1e9], ids=["each step", "each epoch"])
@pytest.mark.parametrize("moment", ["before", "after", "hook", "update"])
def test_broken_off_in_every_step(undisturbed, tmp_path, moment, every):
    for step in range(STEPS):
        def crash(here):
            if here == moment and trainer.at.step == step:
                raise Crash

        trainer = build(tmp_path, crash, checkpoint_every=every)
        update = trainer.optimizer.step
        trainer.after_backward = lambda *inputs: (modulate(*inputs), crash("hook"))
        trainer.optimizer.step = lambda: (update(), crash("update"))
        with pytest.raises(Crash):
            trainer.fit(resume=True, progress=False)
    assert_same_ending(resumed(tmp_path, checkpoint_every=every), undisturbed)


@pytest.mark.parametrize("error", [Crash, KeyboardInterrupt])
def test_broken_off_in_validation(undisturbed, tmp_path, error):
    def failing(model):
        trainer.extra_state["tower"](np.ones((1, 6), np.float32))  # draws from its dropout's Generator
        raise error

    trainer = build(tmp_path, validate=failing)
    with pytest.raises(error):
        trainer.fit(progress=False)
    assert_same_ending(resumed(tmp_path), undisturbed)


def test_broken_off_while_saving(undisturbed, tmp_path):
    trainer = build(tmp_path)
    states = trainer.extra_state["tower"].state_dict

    def failing():
        if trainer.at.step == 4:
            raise OSError("no space left on device")
        return states()

    trainer.extra_state["tower"].state_dict = failing
    with pytest.raises(OSError, match="no space left"):
        trainer.fit(progress=False)
    assert_same_ending(resumed(tmp_path), undisturbed)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_ctrl_c_finishes_the_step_and_saves(undisturbed, tmp_path, moment):
    def interrupt(here):
        if here == moment and trainer.at.step == 4:
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        trainer = build(tmp_path, interrupt, checkpoint_every=1e9)
        with pytest.raises(KeyboardInterrupt):
            trainer.fit(progress=False)
    finally:
        signal.signal(signal.SIGINT, before)
    arrays, meta = load_checkpoint(tmp_path / "checkpoint.npz")
    assert meta["position"]["step"] == 5 and arrays["extra_state/queue/next"] == (8 + 8 + 4 + 8 + 8) % 13
    assert_same_ending(resumed(tmp_path, checkpoint_every=1e9), undisturbed)


def test_weights_are_loaded_as_from_any_checkpoint(undisturbed, tmp_path):
    trainer = build(tmp_path)
    trainer.fit(progress=False)
    arrays, meta = load_checkpoint(tmp_path / "checkpoint.npz")
    assert meta["identity"]["parts"] == ["model", "optimizer", "extra_state/queue", "extra_state/tower"]
    assert (arrays["extra_state/queue/rows"] == trainer.extra_state["queue"].rows).all()
    model = Encoder(np.random.default_rng(9))
    load_weights(tmp_path / "checkpoint.npz", model)
    assert all((a == model.state_dict()[name]).all() for name, a in trainer.model.state_dict().items())


@pytest.mark.parametrize("names, told", [
    ((), r"\['model', 'optimizer'\], the checkpoint has .*extra_state/queue"),
    (("queue", "teacher"), "'extra_state/teacher'.*'extra_state/tower'")], ids=["none", "renamed"])
def test_a_checkpoint_with_other_state_is_refused_by_name(tmp_path, names, told):
    build(tmp_path, epochs=1).fit(progress=False)
    trainer = build(tmp_path)
    trainer.extra_state = dict(zip(names, trainer.extra_state.values()))
    with pytest.raises(ValueError, match="fit: a resumed run must agree with its checkpoint; got parts .*" + told):
        trainer.fit(resume=True, progress=False)


def test_a_checkpoint_without_the_state_is_refused_by_name(tmp_path):
    trainer = build(tmp_path, epochs=1)
    trainer.extra_state = {}
    trainer.fit(progress=False)
    with pytest.raises(ValueError, match=r"parts .*extra_state/queue.*the checkpoint has \['model', 'optimizer'\]$"):
        build(tmp_path).fit(resume=True, progress=False)


def test_state_that_does_not_fit_is_refused_by_name(tmp_path):
    build(tmp_path, epochs=1).fit(progress=False)
    trainer = build(tmp_path)
    trainer.extra_state["queue"] = Queue(size=5)
    with pytest.raises(ValueError, match="the checkpoint's extra_state/queue does not fit this run .ValueError: Queue"):
        trainer.fit(resume=True, progress=False)
    trainer.extra_state["queue"].load_state_dict = lambda state: state["age"]
    with pytest.raises(ValueError, match="extra_state/queue does not fit this run .KeyError: 'age'"):
        trainer.fit(resume=True, progress=False)
    trainer = build(tmp_path)
    trainer.extra_state["tower"].dropout = tm.nn.Sequential()                   # keeps no Generator
    with pytest.raises(ValueError, match="fit: this run keeps 1 Generators; the checkpoint has 2"):
        trainer.fit(resume=True, progress=False)


def test_order_and_slashes_of_the_names(undisturbed, tmp_path):
    trainer = build(tmp_path)
    trainer.extra_state = dict(reversed(trainer.extra_state.items()))
    trainer.fit(progress=False)
    assert_same_ending(ending(tmp_path), undisturbed)
    for extra_state in ({**trainer.extra_state, "a/b": Queue()}, {"a/b": Queue(), **trainer.extra_state}):
        trainer.extra_state = extra_state
        with pytest.raises(ValueError, match="fit: a name in extra_state must not contain a slash; got 'a/b'"):
            trainer.fit(progress=False)


# The hook -------------------------------------------------------------------------------------------------------------

class Scale(tm.nn.Module):
    """y = w x, one number to learn; `unused` gets no gradient."""

    def __init__(self):
        self.w = tm.nn.Parameter(np.zeros(1))
        self.unused = tm.nn.Parameter(np.zeros(1))

    def forward(self, x):
        return self.w * x


def scale_trainer(hook, **config):
    model = Scale()

    def loss(model, batch, rng):
        return (model(tm.tensor(batch)) * 4.0).mean(), {"rows": len(batch)}         # its gradient is 4

    trainer = Trainer(model, loss, tm.optim.SGD(model.parameters(), lr=1.0),
                      TrainingSet(8, lambda rows, rng: np.ones(len(rows))),
                      TrainingConfig(**{"epochs": 1, "batch_size": 4, "log_every": 1, **config}))
    trainer.after_backward = hook
    return trainer


@pytest.mark.parametrize("replicas", [1, 2])
def test_the_hook_comes_after_backward_and_before_clipping_and_the_step(replicas):
    seen = []

    def hook(model, numbers, rng):
        seen.append((model, numbers, model.w.grad.item(), model.w.item(), model.unused.grad))
        model.w.grad *= 0.25

    trainer = scale_trainer(hook, max_norm=0.5, replicas=replicas)
    trainer.fit(progress=False)
    assert all(model is trainer.model for model, *_ in seen)
    (_, numbers, grad, w, none), (*_, later_w, _) = seen
    assert (numbers, grad, w, none) == ({"loss": 0.0, "rows": 4 / replicas}, 4.0, 0.0, None)
    assert later_w == pytest.approx(-0.5, rel=1e-5)             # minus lr · max_norm: clipped after the hook
    assert [row["grad_norm"] for row in trainer.log.rows if row["kind"] == "step"] == [1.0, 1.0]


def test_a_hook_may_replace_a_gradient_and_what_it_breaks_is_found():
    def hook(model, numbers, rng):
        model.w.grad = np.full(1, math.nan if trainer.at.step else 1.0)

    trainer = scale_trainer(hook)
    with pytest.raises(FloatingPointError, match="the norm of the gradients is nan at step 2"):
        trainer.fit(progress=False)
    assert trainer.model.w.item() == -1.0


@pytest.mark.parametrize("replicas", [1, 3])
def test_what_the_hook_draws_is_decided_by_seed_and_step_and_by_nothing_else(replicas):
    def drawn(seed):
        draws = []
        trainer = scale_trainer(lambda model, numbers, rng: draws.append(rng.random()), epochs=2, seed=seed,
                                replicas=replicas)
        loss = trainer.loss
        trainer.loss = lambda model, batch, rng: (of_loss.append(rng.random()), loss(model, batch, rng))[1]
        trainer.fit(progress=False)
        return draws

    of_loss = []
    first, again, other = drawn(1), drawn(1), drawn(2)
    assert first == again and len(set(first)) == 4 and not set(first) & set(other) and not set(first) & set(of_loss)


# Losses that need the whole batch -------------------------------------------------------------------------------------

def plain(model, batch, rng, temperature=1.0):
    return model(tm.tensor(batch)).mean()


@needs_whole_batch
def marked(model, batch, rng, temperature=1.0):
    return model(tm.tensor(batch)).mean()


class Objective:
    @needs_whole_batch
    def __call__(self, model, batch, rng):
        return model(tm.tensor(batch)).mean()

    @needs_whole_batch
    def compare(self, model, batch, rng):
        return model(tm.tensor(batch)).mean()


@wraps(marked)
def wrapped(*inputs):
    return marked(*inputs)


def trainer_of(loss, replicas):
    model = Scale()
    return Trainer(model, loss, tm.optim.SGD(model.parameters()), TrainingSet(4, lambda rows, rng: rows * 1.0),
                   TrainingConfig(epochs=1, batch_size=4, replicas=replicas))


@pytest.mark.parametrize("loss, name", [
    (marked, "marked"), (wrapped, "marked"), (partial(marked, temperature=0.1), "marked"),
    (needs_whole_batch(partial(plain, temperature=0.1)), "plain"), (Objective().compare, "compare"),
    (needs_whole_batch(Objective()), "Objective"),
])
def test_a_loss_that_needs_the_whole_batch_takes_no_replicas(loss, name):
    with pytest.raises(ValueError) as refusal:
        trainer_of(loss, replicas=2)
    assert str(refusal.value) == (f"Trainer: {name} compares the examples of a batch with each other, and a replica "
                                  "would see only its share of them; replicas must be 1, got 2")
    trainer_of(loss, replicas=1).fit(progress=False)


@pytest.mark.parametrize("loss", [plain, partial(plain, temperature=0.1), lambda *inputs: plain(*inputs)])
def test_other_losses_take_replicas(loss):
    trainer_of(loss, replicas=2).fit(progress=False)
