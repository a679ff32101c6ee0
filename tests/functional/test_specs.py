"""Every registered op climbs the whole ladder, and every public function has a row."""

from pathlib import Path

import pytest
from hypothesis import settings

import tinymm as tm
import tinymm.functional as F
import tinymm.testing.specs  # noqa: F401  (fills SPECS)
from tinymm.testing.ladder import _climb
from tinymm.testing.rungs import RUNGS

ROWS = [pytest.param(row, id=f"{row.public or name}-{i}") for name, rows in sorted(tm.testing.SPECS.items())
        for i, row in enumerate(rows) if name in tm.autograd.registry]
EXAMPLES = settings.get_profile(settings.get_current_profile_name()).max_examples
THOROUGH = EXAMPLES >= 1000
CALLS = EXAMPLES if THOROUGH else max(4, EXAMPLES * 3 // 5)  # that are drawn for a row
# These rungs ask about one number after another; on all calls they would take three quarters of the time. On few they
# show what is wrong on any call. What is wrong for a certain shape or option alone, the other rungs show: they climb
# all calls, and ask along random directions, to second order.
ELEMENTWISE = {"differences", "complex step", "second order", "second complex"}
FEW_CALLS = CALLS if THOROUGH else max(4, CALLS // 3)
ALWAYS = {"value", "differences", "directional", "taylor", "structure", "layouts"}
CONSTANT = {  # test file -> public functions without a gradient whose values it tests
    "test_sorting": {"argmax", "argmin", "argsort"},
    "test_positions": {"alibi_bias", "alibi_slopes", "relative_positions", "t5_buckets"},
    "test_visibility": {"block_mask", "causal_mask", "sliding_window_mask", "streaming_mask"},
    "test_hard": {"likeliest_weights", "sampled_weights"}, "test_product": {"attention_memory"},
    "test_cepstra": {"create_dct"}, "test_tapers": {"hamming_window", "hann_window"},
    "test_mels": {"hz_to_mel", "mel_to_hz", "melscale_fbanks"}, "test_alignment": {"ctc_alignment", "ctc_posteriors"}}
ESTIMATES = {"test_hard": {"straight_through"}}  # whose gradient is no derivative, on purpose


def own_ops():
    return {name for name, f in tm.autograd.registry.items() if f.__module__.startswith("tinymm.")}


def test_every_op_has_a_row():
    missing = own_ops() - set(tm.testing.SPECS)
    assert not missing, f"ops without a spec row: {sorted(missing)}"


def test_every_row_has_an_op():
    assert not set(tm.testing.SPECS) - set(tm.autograd.registry)


def test_every_public_function_has_a_row():
    rows = [row for rows in tm.testing.SPECS.values() for row in rows]
    covered = {row.public or getattr(row.function, "__name__", row.name) for row in rows}
    functions = {id(row.function or tm.autograd.registry.get(row.name)) for row in rows}
    missing = {name for name in F.__all__ if name not in covered and id(getattr(F, name)) not in functions}
    missing -= set().union(*CONSTANT.values(), *ESTIMATES.values())
    assert not missing, f"public functions without a spec row: {sorted(missing)}"


@pytest.mark.parametrize("file, names", [*CONSTANT.items(), *ESTIMATES.items()])
def test_what_has_no_row_has_a_test(file, names):
    path, = Path(__file__).parent.rglob(f"{file}.py")
    assert not {name for name in names if f"F.{name}" not in path.read_text("utf-8")}


@pytest.mark.parametrize("row", ROWS)
def test_ladder(row):
    """1e-10 relative against references and complex steps, 1e-6 against differences, first and second order."""
    outcomes = _climb(row, CALLS, [rung for rung in RUNGS if rung not in ELEMENTWISE])
    outcomes |= _climb(row, FEW_CALLS, ELEMENTWISE)
    failed = "\n\n".join(f"{rung}: {outcome.message}"
                         for rung, outcome in outcomes.items() if outcome.status == "failed")
    assert not failed, failed
    silent = {rung for rung in expected_rungs(row) if outcomes[rung].status != "passed"}
    assert not silent, "; ".join(f"{rung} was not applicable: {outcomes[rung].message}" for rung in sorted(silent))


def expected_rungs(row):
    """The rungs that a row must be checked on: none is left out without the row saying so."""
    rungs = set(ALWAYS)
    rungs |= {"complex step"} if row.complex_step else set()
    rungs |= {"float32"} if row.float32 else set()
    rungs |= {"second order"} if row.second_order else set()
    rungs |= {"second complex"} if row.second_order and row.complex_step and row.function is None else set()
    rungs |= {"composite"} if row.function is None and tm.autograd.registry[row.name].op.composite else set()
    assert rungs <= set(RUNGS)
    return rungs
