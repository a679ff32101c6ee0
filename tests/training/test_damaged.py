"""A damaged checkpoint: a resumed run refuses it in one line and is left as it was, or goes on as from a whole one."""

import copy
import time
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
from tinymm.exits import one_line, reason
from tinymm.training import load_checkpoint, load_weights, save_checkpoint

from .damage import damage
from .endings import Crash
from .small_run import build, squared_error


def crash(model, batch, rng):
    raise Crash


def begun(folder):
    trainer = build(folder, loss=crash)
    trainer.about = {"config": {"width": 32}}
    return trainer


def all_of(trainer):
    """Everything that a checkpoint sets, in a form that can be compared."""
    parts = [trainer.model, trainer.optimizer, trainer.schedule, trainer.ema]
    arrays = [part.state_dict() for part in parts] + [trainer.kept]
    at = asdict(trainer.at) | {"seconds": None}
    return copy.deepcopy(([[(name, array.dtype, array.tobytes()) for name, array in state.items()] for state in arrays],
                          at, trainer.recent.sums, trainer.whole.sums, trainer.model.rng_state()))


def resumed(folder):
    """The refusal, and what the run holds then: what it held before, or what the checkpoint gave it."""
    trainer = begun(folder)
    before, started = all_of(trainer), time.monotonic()
    try:
        trainer.fit(resume=True, progress=False)
    except Crash:
        return None, all_of(trainer)
    except Exception as error:
        line, status = reason(error)
        assert status == 2 and "checkpoint" in line and one_line(line) == line, repr(error)
        assert all_of(trainer) == before and time.monotonic() - started < 2
        return line, None


class Whole:
    """A run that was broken off in its second epoch."""

    def __init__(self, folder):
        def crashing(model, batch, rng):
            if trainer.at.step == 7:
                raise Crash
            return squared_error(model, batch, rng)

        trainer = build(folder, loss=crashing)
        trainer.about = {"config": {"width": 32}}
        with pytest.raises(Crash):
            trainer.fit(progress=False)
        self.folder, self.path = folder, folder / "checkpoint.npz"
        self.data = self.path.read_bytes()
        refused, self.content = resumed(folder)
        assert refused is None and self.content[1]["step"] == 7


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return Whole(tmp_path_factory.mktemp("whole"))


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=80)
def test_a_run_does_not_go_on_from_a_damaged_checkpoint(whole, seed):
    whole.path.write_bytes(whole.data)
    way = damage(whole.path, seed)
    refused, found = resumed(whole.folder)
    assert refused or found == whole.content, way.__name__


def test_what_update_keeps_is_there_or_nothing_is(whole):
    """Of one parameter, and of all of them."""
    whole.path.write_bytes(whole.data)
    arrays, meta = load_checkpoint(whole.path)
    for names in (["state.1.exp_avg"], [f"state.{i}.exp_avg" for i in range(4)], ["state.0.step"]):
        save_checkpoint(whole.path, {name: array for name, array in arrays.items()
                                     if name.removeprefix("optimizer/") not in names}, meta)
        assert f"optimizer does not fit this run (missing 'state.{names[0][6]}" in resumed(whole.folder)[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_weights_that_are_not_finite_are_refused_and_the_model_is_left_as_it_was(bad, tmp_path, rng):
    model = tm.nn.Linear(3, 2, rng=rng)
    before = model.state_dict()
    save_checkpoint(tmp_path / "a.npz", {"model/weight": np.full((2, 3), bad), "model/bias": np.zeros(2)}, {})
    with pytest.raises(ValueError, match=r"a\.npz must hold finite weights; weight holds infinities"):
        load_weights(tmp_path / "a.npz", model)
    assert all((before[name] == array).all() for name, array in model.state_dict().items())
