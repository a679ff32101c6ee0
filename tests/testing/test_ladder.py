"""check_op: the library's own ops and those of a user; each fault stops at the rung that is meant for it."""

import numpy as np
import pytest

import tinymm as tm
from tinymm.testing import GradientError, check_op, run_ladder, spec
from tinymm.testing.gradcheck import agrees
from tinymm.testing.rungs import RUNGS
from tinymm.testing.strategies import arrays, calls
from tinymm.testing.subject import Subject


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
    points = [line for line in text.splitlines() if "x0 = np.array(" in line]
    assert len(points) > 2 and len(set(points)) == 1  # every rung reports on the same call


FAULTS = {
    "value": (lambda x: x * 2 + 1, lambda g: 2 * g, None, {"value"}),
    "composite": (lambda x: x * 2, lambda g: 2 * g, lambda x: x * 2 + 1, {"composite"}),
    "composite's infinity": (lambda x: x * 2, lambda g: 2 * g, lambda x: x * 2 + np.inf, {"composite"}),
    "composite's gradient": (lambda x: x * 2, lambda g: 2 * g, lambda x: x + x.data, {"composite", "second order"}),
    "float32": (lambda x: x * np.full(1, 2.0), lambda g: 2 * g, None, {"float32"}),
    "second order": (lambda x: x * 2, lambda g: 2 * (g.data if isinstance(g, tm.Tensor) else g), None,
                     {"second order"}),
    "layouts": (lambda x: x * 2,
                lambda g: np.ascontiguousarray(2 * g).reshape(-1, g.shape[-1]).reshape(g.shape) if g.ndim else 2 * g,
                None, {"layouts"}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_stops_at_its_rung(fault, make_op):
    forward, vjp, composite, expected = FAULTS[fault]
    made = make_op(forward, vjp, composite)
    row_of(made, lambda x: 2 * x)
    assert expected <= failed(made)
    assert "differences" not in failed(made)


def test_infinities_of_one_sign_agree(make_op):
    """And hide nothing beside them."""
    made = make_op(lambda x: x * 2 + np.inf, lambda g: 2 * g, lambda x: x + x + np.inf)
    row_of(made, lambda x: x * 2 + np.inf)
    assert "composite" not in failed(made)
    at_least_one = np.array([-np.inf, 1.0])
    with pytest.raises(GradientError, match=r"element \(1,\): analytic 1, composite 2"):
        agrees("check_op", Subject(np.sin, [at_least_one]), 0, at_least_one, at_least_one + [0, 1],
               "composite", 1e-10, 1e-12)


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
    assert all(outcomes[rung].status == "not applicable"
               for rung in ("complex step", "second order", "composite", "PyTorch"))


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


CELL = """
import numpy as np, tinymm as tm
from tinymm.testing.strategies import arrays, calls
from tinymm.testing.subject import Subject

@tm.op
def cell_cube(x):
    return x * x * x

@cell_cube.vjp
def cell_cube_vjp(g, x):
    return FACTOR * g * x * x

row = tm.testing.spec("cell_cube", lambda: calls(arrays()), lambda x: np.power(x, 3))
"""


@pytest.mark.parametrize("namespace", [{"__name__": "__main__"}, {}], ids=["notebook", "bare exec"])
def test_an_op_of_a_notebook_cell(make_op, namespace):
    """No source file; the cell is run again after a correction, and neither the old op nor its row remains."""
    def run_cell(factor, number):
        exec(compile(CELL.replace("FACTOR", factor), f"<ipython-input-{number}-cell>", "exec"), namespace)
        return namespace["cell_cube"]

    with pytest.raises(GradientError) as told:
        check_op(run_cell("2", 1), examples=3)
    assert 'f = tm.autograd.registry["cell_cube"]' in str(told.value)
    exec("\n".join(line[4:] for line in part_to_see_it_again(str(told.value))[:-1]), seen := {})
    with pytest.raises(GradientError, match="gradcheck: cell_cube"):
        tm.testing.gradcheck(seen["f"], [seen["x0"]])
    corrected = run_cell("3", 2)
    assert check_op(corrected, examples=3) and check_op("cell_cube", examples=3)
    assert list(run_ladder(corrected, 1).rows) == ["cell_cube"]


def part_to_see_it_again(message):
    """The lines of the first snippet of a message."""
    lines = message.splitlines()
    start = lines.index("  to see it again") + 1
    return lines[start:next(k for k in range(start, len(lines)) if "tm.testing." in lines[k]) + 1]


def test_a_failing_function_without_a_module_is_told(make_op):
    exec("f = lambda x: x * x.data", namespace := {})
    with pytest.raises(GradientError, match="gradcheck: <lambda>: input 0 'x'"):
        tm.testing.gradcheck(namespace["f"], [np.ones(2)])
