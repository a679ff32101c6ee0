"""check_op: the library's own ops and those of a user; each fault stops at the rung that is meant for it."""

import numpy as np
import pytest

import tinymm as tm
from tinymm.testing import GradientError, check_op, run_ladder, spec
from tinymm.testing.rungs import RUNGS
from tinymm.testing.strategies import arrays, calls


def row_of(made, reference, **options):
    return spec(made.op.name, calls=lambda: calls(arrays(gap=0.3)), reference=reference, **options)


def failed(made, examples=3):
    return {rung for _, rung, _ in run_ladder(made, examples).failures}


def test_an_op_of_ones_own(make_op):
    made = make_op(lambda x: x * x * x, lambda g, x: 3 * g * x * x)
    row_of(made, lambda x: np.power(x, 3))
    result = check_op(made, examples=5)
    assert result and result.passed and not result.failures
    table = repr(result).splitlines()
    assert len(table) == 1 + len(RUNGS) and table[1].split()[0] == "value"
    outcome = result.rows[made.op.name]["second order"]
    assert outcome.status == "passed" and outcome.examples == 5 and 0 < outcome.error < 1e-6


def test_a_fault_raises_with_table_and_smallest_call(make_op):
    made = make_op(lambda x: x * x * x, lambda g, x: 3 * g * abs(x) * x)
    row_of(made, lambda x: np.power(x, 3))
    with pytest.raises(GradientError) as told:
        check_op(made, examples=5)
    text = str(told.value)
    assert "does not pass" in text and "FAILED" in text and "differences: gradcheck" in text
    assert "float64 (), strides ()" in text  # the smallest call: a single number


FAULTS = {
    "value": (lambda x: x * 2 + 1, lambda g: 2 * g, None, {"value"}),
    "composite": (lambda x: x * 2, lambda g: 2 * g, lambda x: x * 2 + 1, {"composite"}),
    "composite's gradient": (lambda x: x * 2, lambda g: 2 * g, lambda x: x + x.data, {"composite", "second order"}),
    "float32": (lambda x: x * np.full(1, 2.0), lambda g: 2 * g, None, {"float32"}),
    "second order": (lambda x: x * 2, lambda g: 2 * (g.data if isinstance(g, tm.Tensor) else g), None, {"second order"}),
    "layouts": (lambda x: x * 2, lambda g: np.ascontiguousarray(2 * g).reshape(-1, g.shape[-1]).reshape(g.shape) if g.ndim else 2 * g,
                None, {"layouts"}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_stops_at_its_rung(fault, make_op):
    forward, vjp, composite, expected = FAULTS[fault]
    made = make_op(forward, vjp, composite)
    row_of(made, lambda x: 2 * x)
    assert expected <= failed(made)
    assert "differences" not in failed(made)


def test_a_fault_of_one_rung_hides_no_other(make_op):
    made = make_op(lambda x: x * 2 + 1, lambda g: 3 * g)
    row_of(made, lambda x: 2 * x)
    assert {"value", "differences", "complex step", "directional", "taylor"} <= failed(made)


def test_rungs_that_do_not_apply_say_why(make_op):
    made = make_op(lambda x: x * 2, lambda g: 2 * g)
    row_of(made, lambda x: 2 * x, second_order=False, complex_step=False)
    outcomes, = run_ladder(made, examples=3).rows.values()
    assert {rung: outcomes[rung].message for rung in ("complex step", "second order", "composite", "PyTorch")} == {
        "complex step": "its formula takes real numbers only", "second order": "second derivatives do not exist here",
        "composite": "not fused", "PyTorch": "PyTorch has no such function"}
    assert all(outcomes[rung].status == "not applicable" for rung in ("complex step", "second order", "composite", "PyTorch"))


def test_what_fails_only_once_is_no_pass(make_op):
    state = []
    made = make_op(lambda x: x * 2, lambda g: 2 * g if state else state.append(1) or 3 * g)
    row_of(made, lambda x: 2 * x)
    messages = [outcome.message for _, _, outcome in run_ladder(made, examples=2).failures]
    assert any("depends on something that is not drawn" in message for message in messages)


def test_unknown_ops(make_op):
    with pytest.raises(ValueError, match="no spec row for 'sofmax'; is it softmax"):
        run_ladder("sofmax")
    made = make_op(lambda x: x, lambda g: g)
    with pytest.raises(ValueError, match="write one with tinymm.testing.spec"):
        check_op(made)
