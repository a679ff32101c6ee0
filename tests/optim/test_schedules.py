"""Schedules: PyTorch's numbers, the shape of the curves, resuming."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm.optim import SGD, AdamW, CosineAnnealingLR, LambdaLR, LinearWarmup, OneCycleLR, WarmupCosine
from tinymm.optim.schedules import linear_warmup, one_cycle

SCHEDULES = {
    "lambda": lambda o: LambdaLR(o, lambda t: 0.9 ** t),
    "warmup": lambda o: LinearWarmup(o, 7),
    "warmup_cosine": lambda o: WarmupCosine(o, 5, 20, 0.1),
    "cosine": lambda o: CosineAnnealingLR(o, 12, 0.01),
    "one_cycle": lambda o: OneCycleLR(o, 0.7, 20),
}


def optimizer(kind=SGD):
    a, b = (tm.tensor(np.zeros(3), requires_grad=True) for _ in range(2))
    return kind([{"params": [a]}, {"params": [b], "lr": 0.2}], lr=0.5)


def curve(schedule, n):
    rates = [schedule.get_last_lr()]
    for _ in range(n):
        schedule.step()
        rates.append(schedule.get_last_lr())
    return np.array(rates)


def torch_curve(torch, make, n):
    a, b = (torch.zeros(3, requires_grad=True) for _ in range(2))
    reference = torch.optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.2}], lr=0.5)
    schedule = make(torch.optim.lr_scheduler, reference)
    rates = [schedule.get_last_lr()]
    for _ in range(n):
        reference.step()
        schedule.step()
        rates.append(schedule.get_last_lr())
    return np.array(rates)


@pytest.mark.parametrize("steps, options", [
    (10, {}), (37, {"pct_start": 0.25, "div_factor": 3.0, "final_div_factor": 7.0})])
def test_one_cycle_equals_torch(steps, options):
    torch = pytest.importorskip("torch")
    theirs = torch_curve(torch, lambda s, o: s.OneCycleLR(o, 0.7, steps, cycle_momentum=False, **options), steps - 1)
    np.testing.assert_allclose(curve(OneCycleLR(optimizer(), 0.7, steps, **options), steps - 1), theirs, rtol=1e-12)


@pytest.mark.parametrize("t_max, eta_min", [(10, 0.0), (7, 0.05)])
def test_cosine_annealing_equals_torch(t_max, eta_min):
    torch = pytest.importorskip("torch")
    theirs = torch_curve(torch, lambda s, o: s.CosineAnnealingLR(o, t_max, eta_min), 3 * t_max)
    # PyTorch multiplies step by step and accumulates rounding errors; where the rate is near 0 they stand alone
    ours = curve(CosineAnnealingLR(optimizer(), t_max, eta_min), 3 * t_max)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_linear_warmup_equals_torch():
    torch = pytest.importorskip("torch")
    theirs = torch_curve(torch, lambda s, o: s.LinearLR(o, 1 / 8, 1.0, 7), 12)
    np.testing.assert_allclose(curve(LinearWarmup(optimizer(), 8), 12), theirs, rtol=1e-12)


def test_lambda_equals_torch():
    torch = pytest.importorskip("torch")
    theirs = torch_curve(torch, lambda s, o: s.LambdaLR(o, lambda t: 0.9 ** t), 12)
    np.testing.assert_allclose(curve(LambdaLR(optimizer(), lambda t: 0.9 ** t), 12), theirs, rtol=1e-12)


@pytest.mark.parametrize("make, expected", [      # PyTorch 2.13 from a rate of 0.5
    (lambda o: OneCycleLR(o, 0.7, 10), [0.028, 0.364, 0.7, 0.665339242409, 0.568221957765, 0.427883415355,
                                        0.272119384645, 0.131780842235, 0.0346635575906, 2.8e-06]),
    (lambda o: OneCycleLR(o, 0.7, 8, 0.25, 3.0, 7.0), [0.233333333333, 0.7, 0.655341801261, 0.533333333333,
                                                       0.366666666667, 0.2, 0.0779915320719, 0.0333333333333]),
    (lambda o: CosineAnnealingLR(o, 4, 0.05), [0.5, 0.434099025767, 0.275, 0.115900974233, 0.05, 0.115900974233, 0.275,
                                               0.434099025767, 0.5, 0.434099025767, 0.275]),
    (lambda o: LinearWarmup(o, 4), [0.125, 0.25, 0.375, 0.5, 0.5, 0.5])],
                         ids=["one_cycle", "options", "cosine", "warmup"])
def test_equals_recorded_numbers_of_torch(make, expected):
    np.testing.assert_allclose(curve(make(optimizer()), len(expected) - 1)[:, 0], expected, rtol=1e-9)


@given(rise=st.integers(1, 12), fall=st.integers(1, 12), max_lr=st.floats(1e-3, 10), divisor=st.floats(1, 100))
def test_one_cycle_starts_rises_to_its_peak_and_falls(rise, fall, max_lr, divisor):
    """The peak is max_lr to the last bit, also where it is the first step."""
    total = rise + fall
    rates = curve(OneCycleLR(optimizer(), max_lr, total, rise / total, divisor, 2.0), total - 1)[:, 0]
    assert rates.max() == max_lr == pytest.approx(rates[rise - 1], rel=1e-12)
    assert rates[0] == pytest.approx(max_lr / divisor if rise > 1 else max_lr, rel=1e-9)
    assert rates[-1] == pytest.approx(max_lr / divisor / 2, rel=1e-9)
    assert (np.diff(rates[:rise]) >= 0).all() and (np.diff(rates[rise:]) <= 0).all()


def test_the_functions_behind_the_schedules():
    """A warm-up of no step or of one is none; one-cycle's defaults are PyTorch's."""
    assert [linear_warmup(t, w) for w in (0, 1, 2) for t in (0, 1)] == [1, 1, 1, 1, 0.5, 1]
    np.testing.assert_allclose([one_cycle(t, 10, 0.7) for t in (0, 1, 9)], [0.028, 0.364, 2.8e-06], rtol=1e-9)


def test_the_state_is_an_array():
    schedule = LinearWarmup(optimizer(), 3)
    curve(schedule, 2)
    (name, value), = schedule.state_dict().items()
    assert name == "last_epoch" and isinstance(value, np.ndarray) and value.tolist() == 2


def test_one_cycle_stays_at_its_last_rate_and_then_refuses():
    schedule = OneCycleLR(optimizer(), 0.7, 10)
    rates = curve(schedule, 10)
    assert (rates[10] == rates[9]).all() and rates[9, 0] == rates.min()
    for _ in range(2):
        with pytest.raises(ValueError, match="ends after 10 steps; got step 11"):
            schedule.step()
    assert schedule.last_epoch == 10 and schedule.get_last_lr() == rates[10].tolist()
    OneCycleLR(optimizer(), 0.7, 10).load_state_dict(schedule.state_dict())


@pytest.mark.parametrize("state", [{}, {"last_epoch": 11}, {"last_epoch": -1}, {"last_epoch": "3"}, {"last_epoch": 1.5},
                                   {"last_epoch": None}, {"last_epoch": [1, 2]}])
def test_a_state_that_is_no_step_changes_nothing(state):
    schedule = OneCycleLR(optimizer(), 0.7, 10)
    schedule.step()
    before = schedule.get_last_lr()
    with pytest.raises(ValueError, match="last_epoch, a number of steps|ends after 10 steps"):
        schedule.load_state_dict(state)
    assert schedule.last_epoch == 1 and schedule.get_last_lr() == before


@pytest.mark.parametrize("kind", [SGD, AdamW])
def test_a_state_from_before_a_schedule_or_after_it(kind):
    """With PyTorch's rule: the rates that the groups were made with go along, where the state has them."""
    plain, scheduled = optimizer(kind), optimizer(kind)
    LinearWarmup(scheduled, 4)
    fresh = optimizer(kind)
    fresh.load_state_dict(scheduled.state_dict())
    assert [group["lr"] for group in fresh.param_groups] == [0.125, 0.05]
    assert LinearWarmup(fresh, 2).get_last_lr() == [0.25, 0.1]
    scheduled.load_state_dict(plain.state_dict())
    assert [group["lr"] for group in scheduled.param_groups] == [0.5, 0.2]
    assert [group["initial_lr"] for group in scheduled.param_groups] == [0.5, 0.2]


@given(warmup=st.integers(0, 30), rest=st.integers(1, 50), low=st.floats(0, 1))
def test_warmup_cosine_rises_then_falls_then_stays(warmup, rest, low):
    total = warmup + rest
    rates = curve(WarmupCosine(optimizer(), warmup, total, low), total + 3)[:, 0] / 0.5
    up, down = rates[:warmup + 1], rates[warmup:]
    assert (np.diff(up) >= 0).all() and (np.diff(down) <= 1e-15).all()
    assert rates.max() == 1 and rates.min() > 0 or low == 0
    np.testing.assert_allclose(rates[total:], low, atol=1e-15)


@pytest.mark.parametrize("name", SCHEDULES)
def test_resumed_equals_undisturbed(name):
    whole = curve(SCHEDULES[name](optimizer(AdamW)), 15)
    first = optimizer(AdamW)
    schedule = SCHEDULES[name](first)
    curve(schedule, 6)
    second = optimizer(AdamW)
    resumed = SCHEDULES[name](second)
    second.load_state_dict(first.state_dict())
    resumed.load_state_dict(schedule.state_dict())
    assert (curve(resumed, 9) == whole[6:]).all()


def test_a_second_schedule_starts_from_the_initial_rate():
    o = optimizer()
    curve(LinearWarmup(o, 10), 3)
    o.param_groups[0]["lr"] = 7.0       # by hand: no schedule keeps that, here and in PyTorch
    assert CosineAnnealingLR(o, 10).get_last_lr() == [0.5, 0.2]


def test_errors():
    with pytest.raises(ValueError, match=r"WarmupCosine: warmup_steps must be in \[0, total_steps\); got 5, 5"):
        WarmupCosine(optimizer(), 5, 5)
    with pytest.raises(ValueError, match="CosineAnnealingLR: T_max"):
        CosineAnnealingLR(optimizer(), 0)
    with pytest.raises(ValueError, match="got 0.3 of 3"):
        OneCycleLR(optimizer(), 1.0, 3)
    schedule = OneCycleLR(optimizer(), 1.0, 10)
    with pytest.raises(ValueError, match="ends after 10 steps; got step 11"):
        curve(schedule, 11)
