"""What a resumed run asks of a checkpoint, one question at a time; whole damaged files are in test_damaged.py."""

import numpy as np
import pytest

import tinymm as tm
from tinymm.training import Selection, load_checkpoint, restoring, save_checkpoint

from .small_run import build

PATH = "a.npz"


@pytest.mark.parametrize("saved, own", [({}, {}), ({"a": 1, "b": 2}, {"b": 2, "a": 1}), ({"a": [1, 2]}, {"a": (1, 2)})])
def test_the_same_said_of_a_model(saved, own):
    """As JSON says it: a tuple is a list."""
    restoring.check_about(PATH, saved, own)


@pytest.mark.parametrize("saved, own, named", [
    ({"a": 1, "b": 2}, {"a": 1, "b": 3}, "'b'"),
    ({"a": 1}, {"a": 1, "c": 2}, "'c'"),
    ({"a": 1, "c": 2}, {"a": 1}, "'c'"),
    (dict.fromkeys("hgfedcba", 1), dict.fromkeys("hgfedcba", 2), "'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'"),
    (None, {"a": 1}, "None"), ([1], {}, r"\[1\]"), ({"a": 1}, ["a"], r"{'a': 1}")])
def test_another_thing_said_of_a_model(saved, own, named):
    with pytest.raises(ValueError, match=rf"fit: .*a\.npz.* what it says of its model differs \({named}\), as where"):
        restoring.check_about(PATH, saved, own)


def test_a_run_about_something_else_is_refused(tmp_path):
    trainer = build(tmp_path, epochs=1)
    trainer.about = {"width": 32, "depth": 2}
    trainer.fit(progress=False)
    other = build(tmp_path, epochs=1)
    other.about = {"width": 64}
    with pytest.raises(ValueError, match=r"says of its model differs \('depth', 'width'\)"):
        other.fit(resume=True, progress=False)
    other.about = None
    with pytest.raises(ValueError, match=r"differs \({'depth': 2, 'width': 32}\)"):
        other.fit(resume=True, progress=False)
    other.about = trainer.about
    other.fit(resume=True, progress=False)


def test_kept_weights_of_an_unknown_epoch(tmp_path):
    build(tmp_path, epochs=1).fit(progress=False)
    arrays, meta = load_checkpoint(tmp_path / "checkpoint.npz")
    meta["position"]["best"] = None
    save_checkpoint(tmp_path / "checkpoint.npz", arrays, meta)
    with pytest.raises(ValueError, match="it keeps the weights of an epoch that it does not know"):
        build(tmp_path, epochs=1).fit(resume=True, progress=False)


def test_earlier_checkpoints_say_nothing_of_drop_last():
    restoring.check_identity({"seed": 1}, {"seed": 1, "drop_last": False})
    with pytest.raises(ValueError, match="got drop_last True, the checkpoint has False"):
        restoring.check_identity({"seed": 1}, {"seed": 1, "drop_last": True})
    with pytest.raises(ValueError, match="got seed 2, the checkpoint has 1; parts 3, the checkpoint has None"):
        restoring.check_identity({"seed": 1}, {"seed": 2, "parts": 3})


ROW = {"kind": "epoch", "step": 4, "val/loss": 0.5}
POSITION = {"epoch": 1, "batch": 0, "step": 4, "waited": 0, "best": ROW, "rate": 0.1, "seconds": 2.5}
META = {"position": POSITION, "log_rows": 3, "recent": {"loss": [1.5, 2]}, "whole": {}, "rng": []}


@pytest.mark.parametrize("changes", [{}, {"best": None}, {"rate": None}, {"rate": 1}, {"seconds": 0}, {"batch": 7}])
def test_plain_values_as_save_writes_them(changes):
    restoring.check_plain_values(PATH, {**META, "position": {**POSITION, **changes}}, Selection("val/loss"))


@pytest.mark.parametrize("changes", [
    *({name: value} for name in restoring.COUNTS for value in (-1, 1.0, True, None)),
    {"best": {}}, {"best": []}, {"best": {**ROW, "kind": "step"}}, {"best": {**ROW, "step": "4"}},
    {"best": {**ROW, "val/loss": None}}, {"best": {"kind": "epoch", "step": 4}},
    {"rate": "0.1"}, {"rate": True}, {"seconds": -1.0}, {"seconds": float("inf")}, {"seconds": float("nan")},
    {"seconds": None}, {"more": 1}], ids=str)
def test_a_position_that_save_does_not_write(changes):
    with pytest.raises(ValueError, match=r"its position is damaged: {'batch': "):
        restoring.check_plain_values(PATH, {**META, "position": {**POSITION, **changes}}, Selection("val/loss"))


@pytest.mark.parametrize("changes", [
    {"position": None}, {"position": {}}, {"log_rows": -1}, {"log_rows": None}, {"rng": {}}, {"rng": None},
    *({name: value} for name in ("recent", "whole")
      for value in (None, [], {"loss": 1.0}, {"loss": [1.0]}, {"loss": [1.0, 0]}, {"loss": ["1", 2]},
                    {"loss": [1.0, 2, 3]}, {"loss": (1.0, 2)}))], ids=str)
def test_plain_values_that_save_does_not_write(changes):
    name, = changes
    with pytest.raises(ValueError, match=f"its {name} is damaged"):
        restoring.check_plain_values(PATH, {**META, **changes}, None)
    with pytest.raises(ValueError, match=f"its {name} is damaged: None"):
        restoring.check_plain_values(PATH, {key: value for key, value in META.items() if key != name}, None)


def test_the_state_of_a_generator_in_any_order_of_its_entries():
    rng = np.random.default_rng(0)
    state = rng.bit_generator.state
    restoring.check_rng_states(PATH, [rng], [dict(reversed(state.items()))])
    for wrong in ({**state, "uinteger": "1"}, {**state, "bit_generator": "MT19937"}, {"bit_generator": "PCG64"}, None):
        with pytest.raises(ValueError, match="the state of a Generator is damaged"):
            restoring.check_rng_states(PATH, [rng, rng], [state, wrong])
    with pytest.raises(ValueError, match="this run keeps 1 Generators; the checkpoint has 0"):
        restoring.check_rng_states(PATH, [rng], [])


@pytest.mark.parametrize("changes, said", [
    ({"state.1.exp_avg": np.zeros(2)}, "'state.1.exp_avg' must be float64 (3,), it is float64 (2,)"),
    ({"state.1.step": np.zeros(3, int)}, "'state.1.step' must be int64 (), it is int64 (3,)"),
    ({"state.1.more": np.zeros(3)}, "unknown 'state.1.more'"), ({"state.1.step": None}, "missing 'state.1.step'"),
    ({"state.2.step": np.array(1)}, "unknown 'state.2.step'"),
    ({"state.x.step": np.array(1)}, "unknown 'state.x.step'"),
    ({"state..step": np.array(1)}, "unknown 'state..step'"), ({"other": np.array(1)}, "unknown 'other'"),
    ({"param_groups.0.lr": None}, "missing 'param_groups.0.lr'")], ids=str)
def test_a_state_of_the_optimizer_that_does_not_fit(changes, said):
    ps = [tm.tensor(np.ones(shape), requires_grad=True) for shape in (2, 3)]
    optimizer = tm.optim.Adam(ps)
    parts = {"model": tm.nn.Sequential(), "optimizer": optimizer}

    def check(state):
        arrays = {f"optimizer/{name}": array for name, array in state.items() if array is not None}
        restoring.check_parts(PATH, arrays, parts, optimizer, None)

    check(optimizer.state_dict())   # before the first step
    for p in ps:
        p.grad = np.ones(p.shape)
    optimizer.step()
    check(optimizer.state_dict())
    with pytest.raises(ValueError) as error:
        check({**optimizer.state_dict(), **changes})
    assert f"the checkpoint's optimizer does not fit this run ({said})" in str(error.value)


def test_where_one_part_refuses_all_are_as_they_were(rng):
    """Also one that has taken over a half before it refuses."""
    class Half(tm.nn.Linear):
        def load_state_dict(self, state):
            super().load_state_dict(state)
            if (state["bias"] > 1).any():
                raise KeyError("age")

    parts = {"first": tm.nn.Linear(2, 1, rng=rng), "second": tm.nn.Linear(2, 1, rng=rng), "half": Half(2, 1, rng=rng)}
    before = {name: part.state_dict() for name, part in parts.items()}
    arrays = {f"{name}/{key}": array + 2 for name, state in before.items() for key, array in state.items()}
    with pytest.raises(ValueError, match="the checkpoint's half does not fit this run .KeyError: 'age'"):
        restoring.restore(PATH, arrays, parts)
    for name, part in parts.items():
        assert all((array == before[name][key]).all() for key, array in part.state_dict().items()), name
