"""Debug mode names the op and the line, and locks what the tape saved."""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F


def test_the_first_nan_forward_is_named_with_its_line():
    x = tm.tensor([1.0, -1.0], requires_grad=True)
    with tm.debug(), np.errstate(invalid="ignore"):
        with pytest.raises(FloatingPointError, match=r"log: the result of shape \(2,\) has a NaN.*test_debug.py:\d+"):
            F.exp(F.log(x))


def test_the_first_infinity_backward_is_named():
    x = tm.tensor([0.0, 1.0], requires_grad=True)
    with tm.debug(), np.errstate(divide="ignore"):
        y = F.sqrt(x)
        with pytest.raises(FloatingPointError, match="sqrt: the gradient of input 'x'.*infinite.*test_debug.py"):
            y.backward(np.ones(2))


def test_an_infinity_that_came_in_is_not_the_first():
    with tm.debug():
        y = tm.tensor([1.0, 2.0], requires_grad=True) + np.array([0.0, -np.inf], np.float32)
    assert np.isinf(y.data[1])


def test_saved_arrays_are_read_only_until_they_are_consumed():
    x = tm.tensor([1.0, 2.0], requires_grad=True)
    with tm.debug():
        y = F.exp(x) * x
        with pytest.raises(ValueError, match="read-only"):
            x.data += 1
        y.backward(np.ones(2))
        x.data += 1
    np.testing.assert_array_equal(x.data, [2.0, 3.0])


def test_views_lock_what_they_view():
    x = tm.tensor(np.ones((2, 3)), requires_grad=True)
    with tm.debug():
        view = x.T
        y = view * view
        with pytest.raises(ValueError, match="read-only"):
            x.data[0, 0] = 5.0
        del y
    x.data[0, 0] = 5.0


def test_leaving_the_block_unlocks_everything_also_after_an_error():
    x = tm.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="mine"), tm.debug():
        y = F.exp(x) * x
        raise RuntimeError("mine")
    x.data += 1
    y.data += 1
    assert x.data[0] == 2.0
