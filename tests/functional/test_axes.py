"""An axis that an array does not have is an error that names the op;
a number has, for reductions, axis 0, as in PyTorch."""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F

AxisError = np.exceptions.AxisError
PLACES = np.zeros((2, 3), int)
ALONG = {  # op -> how it is called along an axis
    "take_along_axis": lambda x, axis: F.take_along_axis(x, PLACES, axis),
    "gather": lambda x, axis: F.gather(x, axis, PLACES),
    "scatter_add": lambda x, axis: F.scatter_add(x, axis, PLACES, PLACES * 1.0),
    "index_add": lambda x, axis: F.index_add(x, axis, np.zeros(2, int), x),
    "split": lambda x, axis: F.split(x, 1, axis),
    "concatenate": lambda x, axis: F.concatenate([x, x], axis),
    "stack": lambda x, axis: F.stack([x, x], axis + np.sign(axis)),
    "norm": lambda x, axis: F.norm(x, 2, axis), "flatten": lambda x, axis: F.flatten(x, axis, axis),
    "permute": lambda x, axis: F.permute(x, (axis, 0)), "transpose": lambda x, axis: F.transpose(x, 0, axis),
    "moveaxis": lambda x, axis: F.moveaxis(x, axis, 0), "roll": lambda x, axis: F.roll(x, 1, axis),
    "topk": lambda x, axis: F.topk(x, 1, axis), "unsqueeze": lambda x, axis: F.unsqueeze(x, axis + np.sign(axis)),
    "argsort": F.argsort, "argmax": F.argmax, "argmin": F.argmin}
REDUCTIONS = ("sum", "mean", "var", "std", "prod", "norm", "logsumexp", "amax", "amin", "max", "min")
NAMES = {"axis", "dim", "dims", "dim0", "start_dim", "source"}
TAKING = sorted({n for n, f in tm.autograd.registry.items() if f.__module__.startswith("tinymm.")
                 and NAMES & set(f.op.names[1:]) and n not in ("scatter_add", "index_add")} | set(ALONG))


def along(name, x, axis):
    return ALONG[name](x, axis) if name in ALONG else tm.autograd.registry[name](x, axis=axis)


@pytest.mark.parametrize("axis", [2, -3, 7, -9])
@pytest.mark.parametrize("wrap", [np.asarray, tm.tensor], ids=["array", "Tensor"])
@pytest.mark.parametrize("name", TAKING)
def test_an_axis_that_is_not_there(name, wrap, axis):
    """x.shape[axis % x.ndim] would take another one."""
    with pytest.raises(ValueError, match=rf"^{name}: .*-?\d"):
        along(name, wrap(np.ones((2, 3))), axis)


@pytest.mark.parametrize("name", [name for name in REDUCTIONS if name not in ("max", "min")])
@pytest.mark.parametrize("axis", [(0, 0), (1, -1), (0, 2)])
def test_an_axis_named_twice_or_missing_among_several(name, axis):
    with pytest.raises(ValueError, match=rf"^{name}: "):
        along(name, np.ones((2, 3)), axis)


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_a_number_is_reduced_along_its_only_axis(name, axis):
    x = tm.tensor(np.array(2.5), requires_grad=True)
    with np.errstate(all="ignore"), pytest.warns() if name in ("var", "std") else np.errstate():
        y = along(name, x, axis)
    y = y[0] if isinstance(y, tuple) else y
    assert y.shape == () and (np.isnan(y.data) if name in ("var", "std") else y.data == 2.5)
    d, = tm.grad(y, x, np.array(3.0))
    assert d.shape == () and (np.isnan(d.data) if name in ("var", "std") else d.data == 3)
    with pytest.raises(AxisError, match=rf"^{name}: "):
        along(name, x, 1)


@pytest.mark.parametrize("name", sorted({*TAKING, "tril", "triu"} - {
    *REDUCTIONS, "unsqueeze", "squeeze", "flatten", "argmax", "argmin", "stack"}))
def test_nothing_else_takes_a_number(name):
    """It would come back as an array of one element, or with an error about something else."""
    with pytest.raises(ValueError, match=rf"^{name}: "):
        F.tril(np.array(2.5)) if name == "tril" else F.triu(np.array(2.5)) if name == "triu" \
            else along(name, np.array(2.5), 0)


@pytest.mark.parametrize("f", [F.tril, F.triu])
def test_a_vector_has_no_triangle(f):
    """NumPy makes a square of it."""
    with pytest.raises(ValueError, match=rf"^{f.__name__}: needs at least two axes; got \(3,\)"):
        f(np.ones(3))


def test_shapes_that_do_not_broadcast_are_told_with_the_op():
    x, y = tm.tensor(np.ones(2), requires_grad=True), tm.tensor(np.ones(3))
    for call, name in ((lambda: x + y, "add"), (lambda: x + np.ones(3), "add"), (lambda: np.ones(3) * x, "multiply"),
                       (lambda: F.maximum(np.ones(2), np.ones(3)), "maximum"), (lambda: x ** y, "power")):
        with pytest.raises(ValueError, match=rf"^{name}: .*\(2,\).*\(3,\)|^{name}: .*\(3,\).*\(2,\)"):
            call()
