"""The loop: what it logs, keeps, stops at; the same numbers as a loop written by hand."""

import math

import numpy as np
import pytest

import tinymm as tm
from tinymm.data import batches
from tinymm.training import Selection, Trainer, TrainingConfig, TrainingSet, loop
from tinymm.training.checkpoint import load_checkpoint

from .small_run import BATCH, EPOCHS, N, build, squared_error


class Scale(tm.nn.Module):
    """y = w x, one number to learn."""

    def __init__(self, w=0.0):
        self.w = tm.nn.Parameter(np.array([w]))

    def forward(self, x):
        return self.w * x


def scale_loss(model, batch, rng):
    error = model(tm.tensor(batch)) - tm.tensor(3 * batch)
    return (error * error).mean()


def scale_trainer(epochs=2, n=10, **options):
    x = np.linspace(-1, 1, n)
    settings = {name: options.pop(name) for name in list(options) if name in TrainingConfig.__dataclass_fields__}
    model = options.pop("model", None) or Scale()
    return Trainer(model, options.pop("loss", scale_loss), tm.optim.SGD(model.parameters(), lr=0.1),
                   TrainingSet(n, lambda rows, rng: x[rows]),
                   TrainingConfig(**{"epochs": epochs, "batch_size": 4, "log_every": 1, **settings}), **options)


def test_equals_a_loop_written_by_hand():
    trainer = scale_trainer(epochs=3, seed=7)
    trainer.fit(progress=False)
    x, w = np.linspace(-1, 1, 10), 0.0
    losses = []
    for epoch in range(3):
        order = np.random.default_rng(np.random.SeedSequence(7, spawn_key=(epoch,)))
        for rows in batches(10, 4, order):
            losses.append(((w - 3) ** 2 * x[rows] ** 2).mean())
            w -= 0.1 * (2 * (w - 3) * x[rows] ** 2).mean()
    assert trainer.model.w.item() == pytest.approx(w, rel=1e-12)
    steps = [row for row in trainer.log.rows if row["kind"] == "step"]
    np.testing.assert_allclose([row["train/loss"] for row in steps], losses, rtol=1e-12)
    assert [(row["step"], row["epoch"]) for row in steps] == [(k, 1 + (k - 1) // 3) for k in range(1, 10)]


def test_every_example_once_per_epoch_in_another_order():
    seen = []
    x = np.arange(10.0)
    model = Scale()
    Trainer(model, lambda model, batch, rng: seen.append(batch) or (model(tm.tensor(batch)) * 0.0).sum(),
            tm.optim.SGD(model.parameters()), TrainingSet(10, lambda rows, rng: x[rows]),
            TrainingConfig(epochs=2, batch_size=4)).fit(progress=False)
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    assert sorted(first) == sorted(second) == x.tolist() and (first != second).any()
    assert [len(batch) for batch in seen] == [4, 4, 2] * 2


def test_examples_of_about_equal_length_go_together():
    seen, lengths = [], np.array([9, 1, 8, 2, 7, 3, 6, 4, 5, 0])
    model = Scale()
    Trainer(model, lambda model, batch, rng: seen.append(batch) or (model(tm.tensor(batch)) * 0.0).sum(),
            tm.optim.SGD(model.parameters()), TrainingSet(10, lambda rows, rng: lengths[rows] * 1.0, lengths),
            TrainingConfig(epochs=2, batch_size=4)).fit(progress=False)
    for epoch in (seen[:3], seen[3:]):
        assert sorted(map(sorted, epoch)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    with pytest.raises(ValueError, match="needs a length per example; got 9 for 10"):
        TrainingSet(10, None, lengths[:9])


@pytest.mark.parametrize("lengths", [None, [5, 1, 4, 2, 3] * 7])
@pytest.mark.parametrize("n, size", [(1, 1), (1, 4), (4, 1), (3, 2), (9, 4), (10, 4), (35, 17), (33, 16)])
def test_no_step_has_a_single_example_that_another_could_take(n, size, lengths):
    """A single one has no batch statistics."""
    data = TrainingSet(n, None, lengths and lengths[:n])
    order = data.order(size, np.random.default_rng(0))
    assert sorted(np.concatenate(order)) == list(range(n))
    assert len(order) == TrainingConfig(1, size).steps_per_epoch(n)
    sizes = sorted(map(len, order))
    assert sizes[0] > 1 or size == 1 or n == 1 and sizes[-1] <= size + 1
    if n >= size:
        full = data.order(size, np.random.default_rng(0), drop_last=True)
        assert {len(rows) for rows in full} == {size} and len(np.unique(np.concatenate(full))) == n - n % size
        assert len(full) == TrainingConfig(1, size, drop_last=True).steps_per_epoch(n)
    else:
        with pytest.raises(ValueError, match=f"got {n} .*batch_size {size}"):
            data.order(size, None, drop_last=True)


@pytest.mark.parametrize("n, replicas, drop_last, sizes", [(17, 1, False, [17]), (19, 2, False, [8, 8, 3]),
                                                           (19, 2, True, [8, 8]), (18, 2, False, [8, 8, 2])])
def test_batch_norm_trains_on_any_number_of_examples(n, replicas, drop_last, sizes):
    rng = np.random.default_rng(0)
    seen = []
    model = tm.nn.Sequential(tm.nn.Linear(2, 3, rng=rng), tm.nn.BatchNorm1d(3))
    loss = lambda model, batch, rng: seen.append(len(batch)) or model(tm.tensor(batch)).sum()
    Trainer(model, loss, tm.optim.SGD(model.parameters()), TrainingSet(n, lambda rows, rng: np.ones((len(rows), 2))),
            TrainingConfig(1, 16, replicas=replicas, drop_last=drop_last)).fit(progress=False)
    assert seen == sizes


def test_clipping_saves_a_run_whose_squares_overflow():
    model = tm.nn.Linear(1, 1, rng=np.random.default_rng(0))
    loss = lambda model, batch, rng: (model(tm.tensor(batch)) * np.float32(3e19)).sum()
    trainer = Trainer(model, loss, tm.optim.SGD(model.parameters(), lr=0.1),
                      TrainingSet(2, lambda rows, rng: np.ones((len(rows), 1), np.float32)),
                      TrainingConfig(1, 2, max_norm=1.0))
    before = model.state_dict()
    row = trainer.fit(progress=False)
    assert row["grad_norm"] == pytest.approx(6e19 * 2**0.5, rel=1e-6)
    np.testing.assert_allclose(before["bias"] - model.bias.data, 0.1 / 2**0.5, rtol=1e-5)


def test_an_infinite_loss_with_a_finite_gradient_passes_if_that_is_clipped():
    loss = lambda model, batch, rng: (model.w * 2.0 + math.inf).sum()
    trainer = scale_trainer(epochs=1, n=4, max_norm=1.0, loss=loss)
    row = trainer.fit(progress=False)
    assert row["train/loss"] == math.inf and trainer.model.w.item() == pytest.approx(-0.1, rel=1e-5)
    with pytest.raises(FloatingPointError, match="fit: the loss is inf at step 1"):
        scale_trainer(epochs=1, n=4, loss=loss).fit(progress=False)


@pytest.mark.parametrize("every, saves", [(0.0, 1 + 2 * (3 + 1)), (1.0, 1 + 2)])
def test_how_often_a_checkpoint_is_saved(tmp_path, monkeypatch, every, saves):
    """At the start, after each epoch, and after a step once `checkpoint_every` seconds are over; here none is."""
    monkeypatch.setattr(loop.time, "monotonic", lambda: 7.0)
    at, seconds = [], []

    def save(path, arrays, meta):
        at.append(meta["position"]["step"])
        seconds.append(meta["position"]["seconds"])

    monkeypatch.setattr(loop, "save_checkpoint", save)
    scale_trainer(epochs=2, checkpoint_every=every, folder=tmp_path).fit(progress=False)
    assert not any(seconds)
    assert len(at) == saves and at == sorted(at) and {*at} == ({0, 1, 2, 3, 4, 5, 6} if every == 0 else {0, 3, 6})


def test_what_the_display_is_told(tmp_path, monkeypatch):
    """How many steps there are and how many are done, whether to show anything, each step's epoch and numbers."""
    class Display:
        def __init__(self, *arguments):
            told.append(arguments)

        def update(self, position, values):
            told.append((position, *values))

        def close(self):
            told.append("closed")

    told = []
    monkeypatch.setattr(loop, "progress_display", Display)
    scale_trainer(epochs=1, folder=tmp_path).fit()
    assert told == [(3, 0, True), *[("epoch 1/1", "train/loss", "grad_norm")] * 3, "closed"]
    told.clear()
    scale_trainer(epochs=2, folder=tmp_path).fit(resume=True, progress=False)
    assert told == [(6, 3, False), *[("epoch 2/2", "train/loss", "grad_norm")] * 3, "closed"]


def test_a_second_fit_starts_afresh(tmp_path, monkeypatch):
    """Its log, and before anything else is written the checkpoint."""
    trainer = scale_trainer(epochs=1)
    for _ in range(2):
        trainer.fit(progress=False)
        assert [row["step"] for row in trainer.log.rows] == [1, 2, 3, 3]
    scale_trainer(epochs=1, folder=tmp_path).fit(progress=False)

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(loop, "save_checkpoint", fail)
    with pytest.raises(OSError, match="disk full"):
        scale_trainer(epochs=1, folder=tmp_path).fit(progress=False)
    assert not (tmp_path / "checkpoint.npz").exists()


@pytest.mark.parametrize("options, kept", [({}, False), ({"ema_decay": 0.5}, True),
                                           ({"selection": Selection("train/loss", "min")}, True)])
def test_weights_are_kept_beside_the_last_ones_where_they_may_differ(tmp_path, options, kept):
    scale_trainer(folder=tmp_path, **options).fit(progress=False)
    assert ("kept/w" in load_checkpoint(tmp_path / "checkpoint.npz")[0]) == kept


def test_an_average_without_memory_is_the_parameters():
    trainer = scale_trainer(epochs=1, ema_decay=0.0)
    trainer.fit(progress=False)
    assert trainer.ema.averages["w"].item() == trainer.model.w.item()


def test_an_update_that_overflows_in_the_last_step_is_not_saved(tmp_path):
    x = np.eye(4, 3, dtype=np.float32)
    model = tm.nn.Linear(3, 2, rng=np.random.default_rng(0))
    before = model.state_dict()
    loss = lambda model, batch, rng: tm.functional.cross_entropy(model(tm.tensor(batch)), [0, 1, 0, 1])
    trainer = Trainer(model, loss, tm.optim.AdamW(model.parameters(), lr=1e39),
                      TrainingSet(4, lambda rows, rng: x[rows]), TrainingConfig(1, 4), folder=tmp_path)
    with np.errstate(over="ignore"), pytest.raises(FloatingPointError, match="weight is infinite or NaN after step 1"):
        trainer.fit(progress=False)
    arrays, meta = load_checkpoint(tmp_path / "checkpoint.npz")
    assert meta["position"]["step"] == 0 and (arrays["model/weight"] == before["weight"]).all()


def test_epoch_means_weigh_examples_alike():
    trainer = scale_trainer(epochs=1, loss=lambda model, batch, rng: ((model(tm.tensor(batch)) * 0.0).sum(),
                                                                      {"mean": batch.mean(), "one": 1}), n=9)
    row = trainer.fit(progress=False)
    assert row["train/mean"] == pytest.approx(0, abs=1e-15) and row["train/one"] == 1
    assert row["kind"] == "epoch" and row["step"] == 2 and row["grad_norm"] == 0 and row["lr"] == 0.1


def test_rows_between_mean_over_their_steps():
    each, third = scale_trainer(epochs=2, n=12), scale_trainer(epochs=2, n=12, log_every=3)
    each.fit(progress=False)
    third.fit(progress=False)
    losses = [row["train/loss"] for row in each.log.rows if row["kind"] == "step"]
    rows = [row for row in third.log.rows if row["kind"] == "step"]
    np.testing.assert_allclose([row["train/loss"] for row in rows], np.reshape(losses, (2, 3)).mean(1), rtol=1e-12)


def test_modes_and_the_tape():
    modes = []

    def loss(model, batch, rng):
        modes.append(("train", model.training, tm.is_grad_enabled()))
        return scale_loss(model, batch, rng)

    def validate(model):
        modes.append(("val", model.training, tm.is_grad_enabled()))
        return {"w": model.w.item()}

    row = scale_trainer(epochs=2, n=4, loss=loss, validate=validate).fit(progress=False)
    assert modes == [("train", True, True), ("val", False, False)] * 2
    assert "val/w" in row


@pytest.mark.parametrize("mode, patience, expected", [("max", None, (3, 6)), ("max", 2, (3, 5)), ("min", 1, (1, 2)),
                                                      ("max", 1, (1, 2))])
def test_selection_and_early_stopping(mode, patience, expected):
    scores = iter([0.5, 0.5, 0.9, math.nan, 0.9, 0.8])
    weights = []

    def validate(model):
        weights.append(model.w.item())
        return {"score": next(scores)}

    trainer = scale_trainer(epochs=6, validate=validate, selection=Selection("val/score", mode, patience))
    row = trainer.fit(progress=False)
    assert (row["epoch"], trainer.at.epoch) == expected
    assert trainer.model.w.item() == weights[expected[0] - 1]


def test_a_metric_that_is_not_there():
    trainer = scale_trainer(validate=lambda model: {"a": 1}, selection=Selection("val/b"))
    with pytest.raises(ValueError,
                       match=r"fit: the selection's metric .* got 'val/b', the row has kind, step, .*val/a"):
        trainer.fit(progress=False)


@pytest.mark.parametrize("max_norm", [None, 1.0])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_broken_loss_stops_before_it_reaches_the_parameters(bad, max_norm):
    def loss(model, batch, rng):
        return scale_loss(model, batch, rng) * (bad if trainer.at.step == 4 else 1.0)

    trainer = scale_trainer(loss=loss, max_norm=max_norm)
    with pytest.raises(FloatingPointError, match=rf"fit: the loss is {bad} at step 5 \(epoch 2, batch 2\)"):
        trainer.fit(progress=False)
    assert math.isfinite(trainer.model.w.item())


def test_a_broken_gradient_stops_too():
    def loss(model, batch, rng):
        w = model.w * 0.0
        return ((w * w + 0.0) ** 0.5).sum()  # the root has no derivative at 0

    trainer = scale_trainer(loss=loss)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError,
                                                  match="the norm of the gradients is .* at step 1"):
        trainer.fit(progress=False)
    assert trainer.model.w.item() == 0


def test_gradients_are_clipped():
    trainer = scale_trainer(epochs=1, n=4, max_norm=0.5)
    row = trainer.fit(progress=False)
    assert row["grad_norm"] > 0.5
    assert trainer.model.w.item() == pytest.approx(0.05, rel=1e-5)  # lr · max_norm


def test_the_schedule_is_stepped_and_the_rate_logged():
    model = Scale()
    optimizer = tm.optim.SGD(model.parameters(), lr=1.0)
    trainer = Trainer(model, scale_loss, optimizer, TrainingSet(8, lambda rows, rng: np.ones(len(rows))),
                      TrainingConfig(epochs=1, batch_size=2, log_every=1),
                      tm.optim.LambdaLR(optimizer, lambda t: 0.5 ** t))
    trainer.fit(progress=False)
    assert [row["lr"] for row in trainer.log.rows] == [1.0, 0.5, 0.25, 0.125, 0.125]


def test_the_average_is_what_is_validated_and_kept():
    seen = []
    trainer = scale_trainer(epochs=3, ema_decay=0.8, validate=lambda model: seen.append(model.w.item()) or {})
    trainer.fit(progress=False)
    assert trainer.model.w.item() == seen[-1] == trainer.ema.averages["w"].item()
    plain = scale_trainer(epochs=3)
    plain.fit(progress=False)
    # training itself went on from the parameters, not from their average
    assert 0 < seen[-1] < plain.model.w.item() < 3


def test_same_seed_same_bits_other_seed_others():
    runs = []
    for seed in (3, 3, 4):
        trainer = build(epochs=2, seed=seed)
        trainer.fit(progress=False)
        runs.append(trainer.model.state_dict())
    assert all((runs[0][name] == runs[1][name]).all() for name in runs[0])
    assert any((runs[0][name] != runs[2][name]).any() for name in runs[0])


def test_the_small_run_learns():
    trainer = build()
    trainer.fit(progress=False)
    epochs = [row for row in trainer.log.rows if row["kind"] == "epoch"]
    assert len(epochs) == EPOCHS and epochs[-1]["train/loss"] < epochs[0]["train/loss"]
    assert epochs[-1]["step"] == EPOCHS * trainer.config.steps_per_epoch(N) == EPOCHS * math.ceil(N / BATCH)
    assert {"train/bias", "val/loss", "lr", "grad_norm", "seconds"} <= set(epochs[0])


def test_the_loss_may_draw_from_its_own_generator():
    draws = []
    trainer = build(epochs=1, loss=lambda m, b, rng: draws.append(rng.random()) or squared_error(m, b, rng))
    trainer.fit(progress=False)
    assert len(set(draws)) == len(draws)


@pytest.mark.parametrize("make, message", [
    (lambda: TrainingConfig(epochs=0, batch_size=1), "TrainingConfig: epochs must be at least 1; got 0"),
    (lambda: TrainingConfig(epochs=1, batch_size=0), "batch_size must be at least 1"),
    (lambda: TrainingConfig(epochs=1, batch_size=1, max_norm=0.0), "max_norm must be positive"),
    (lambda: TrainingSet(0, None), "TrainingSet: needs at least one example; got 0"),
    (lambda: Selection("a", "best"), "Selection: mode must be 'max' or 'min'; got 'best'"),
    (lambda: Selection("a", patience=0), "Selection: patience must be at least 1 epoch"),
])
def test_errors_name_the_rule(make, message):
    with pytest.raises(ValueError, match=message):
        make()
