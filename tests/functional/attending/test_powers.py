"""The base of exponentials: the same softmax in either, and 2 only where the machine is as quick at it."""

import math

import numpy as np
import pytest

from tinymm.functional.attending import powers
from tinymm.functional.attending.powers import TWO, E, base_for


@pytest.mark.parametrize("base", [E, TWO])
def test_a_base_is_its_logarithm_and_its_powers(base, rng):
    x = rng.standard_normal(20)
    np.testing.assert_allclose(base.power(x / base.ln), np.exp(x), rtol=1e-14)
    np.testing.assert_allclose(base.log(base.power(x)), x, rtol=1e-13, atol=1e-15)
    assert base.ln == math.log(base.power(1.0))


V3, V4, NONE = ({"ff": {"current": way}} for way in ("X86_V3", "X86_V4", "baseline(X86_V2)"))


@pytest.mark.parametrize("ways, expected", [
    ({"exp": V4, "exp2": V4}, TWO), ({"exp": V3, "exp2": NONE}, E), ({"exp": NONE, "exp2": NONE}, E),
    ({"exp": V4}, E), ({}, E)])
def test_two_where_both_have_vector_instructions(ways, expected, monkeypatch):
    asked = []
    monkeypatch.setattr(np.lib.introspect, "opt_func_info",
                        lambda func_name, signature: asked.append(signature) or ways)
    assert powers.base_for.__wrapped__(np.dtype(np.float32)) is expected and asked == ["float32"]


def test_complex_numbers_have_no_powers_of_two():
    assert base_for(np.dtype(complex)) is E
