"""A Tensor under operators, methods and NumPy's functions: followed, constant or refused, never silently detached."""

import operator

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F
from tinymm.functional.protocol import FUNCTIONS, REDUCTIONS, UFUNCS
from tinymm.testing import gradcheck

RNG = np.random.default_rng(7)
X = RNG.uniform(0.3, 0.9, (3, 4))
B = RNG.uniform(1.1, 1.9, (3, 4))

# NumPy's functions as people call them, on arrays and Tensors alike.
CALLS = {
    np.sum: [lambda x: np.sum(x), lambda x: np.sum(x, 0, keepdims=True), lambda x: np.sum(x, axis=(0, 1))],
    np.mean: [lambda x: np.mean(x, axis=1)],
    np.var: [lambda x: np.var(x), lambda x: np.var(x, 1, ddof=1),
             lambda x: np.var(x, axis=0, correction=1, keepdims=True)],
    np.std: [lambda x: np.std(x), lambda x: np.std(x, 1, ddof=1)],
    np.max: [lambda x: np.max(x, axis=0), lambda x: np.max(x)],
    np.amax: [lambda x: np.amax(x, 1)],
    np.min: [lambda x: np.min(x, axis=0, keepdims=True)],
    np.amin: [lambda x: np.amin(x, 1)],
    np.prod: [lambda x: np.prod(x, axis=1)],
    np.cumsum: [lambda x: np.cumsum(x), lambda x: np.cumsum(x, axis=0), lambda x: np.cumsum(x, -1)],
    np.linalg.norm: [lambda x: np.linalg.norm(x), lambda x: np.linalg.norm(x, axis=1),
                     lambda x: np.linalg.norm(x, "fro"), lambda x: np.linalg.norm(x, np.inf, axis=0),
                     lambda x: np.linalg.norm(x, 3, 1, True)],
    np.sort: [lambda x: np.sort(x), lambda x: np.sort(x, axis=0), lambda x: np.sort(x, axis=None)],
    np.reshape: [lambda x: np.reshape(x, (2, 6)), lambda x: np.reshape(x, -1)],
    np.ravel: [lambda x: np.ravel(x)],
    np.transpose: [lambda x: np.transpose(x), lambda x: np.transpose(x[None], (1, 0, 2))],
    np.matrix_transpose: [lambda x: np.matrix_transpose(x)],
    np.swapaxes: [lambda x: np.swapaxes(x, 0, 1)],
    np.moveaxis: [lambda x: np.moveaxis(x, 0, -1)],
    np.expand_dims: [lambda x: np.expand_dims(x, 1), lambda x: np.expand_dims(x, (0, -1))],
    np.squeeze: [lambda x: np.squeeze(x[:1]), lambda x: np.squeeze(x[:1], axis=0)],
    np.broadcast_to: [lambda x: np.broadcast_to(x, (2, 3, 4))],
    np.flip: [lambda x: np.flip(x), lambda x: np.flip(x, 1)],
    np.roll: [lambda x: np.roll(x, 2), lambda x: np.roll(x, 1, axis=0), lambda x: np.roll(x, (1, 2), (0, 1))],
    np.tril: [lambda x: np.tril(x), lambda x: np.tril(x, -1)],
    np.triu: [lambda x: np.triu(x, k=1)],
    np.concatenate: [lambda x: np.concatenate([x, B, x * x]), lambda x: np.concatenate((x, x), axis=1)],
    np.stack: [lambda x: np.stack([x, B], axis=1)],
    np.split: [lambda x: np.split(x, 2, axis=1)[1], lambda x: np.split(x, [1], 0)[0],
               lambda x: np.split(x, [-1, 5])[1]],
    np.pad: [lambda x: np.pad(x, 1), lambda x: np.pad(x, ((0, 1), (2, 0)), constant_values=3.0),
             lambda x: np.pad(x, (1, 2))],
    np.where: [lambda x: np.where(B > 1.5, x, 0.0), lambda x: np.where(x > 0.6, x * x, B)],
    np.clip: [lambda x: np.clip(x, 0.5, 0.7), lambda x: np.clip(x, min=0.5), lambda x: np.clip(x, None, 0.7)],
    np.take_along_axis: [lambda x: np.take_along_axis(x, np.array([[0], [3], [3]]), 1)],
    np.dot: [lambda x: np.dot(x, B.T), lambda x: np.dot(x, 2.0), lambda x: np.dot(x[0], x[1]),
             lambda x: np.dot(B[0], x.T)],
    np.outer: [lambda x: np.outer(x[0], x[1]), lambda x: np.outer(x, B)],
    np.einsum: [lambda x: np.einsum("ij,kj->ik", x, B), lambda x: np.einsum("ij->j", x, optimize=True)],
    np.astype: [lambda x: np.astype(x, np.float64)],
}


def test_every_function_in_the_table_is_sampled():
    assert set(CALLS) == set(FUNCTIONS)


@pytest.mark.parametrize("call", [pytest.param(call, id=f"{function.__name__}-{i}")
                                  for function, calls in CALLS.items() for i, call in enumerate(calls)])
def test_a_function_gives_numpys_value_and_a_gradient(call):
    y = call(tm.Tensor(X).requires_grad_())
    assert isinstance(y, tm.Tensor) and y.requires_grad
    np.testing.assert_allclose(y.data, call(X), rtol=1e-12)
    assert y.shape == call(X).shape
    assert gradcheck(call, [X])


def detached(result):
    """Does a result carry floating-point numbers that the tape has lost?"""
    if isinstance(result, (list, tuple)):
        return any(map(detached, result))
    if isinstance(result, tm.Tensor):
        return result.dtype.kind in "fc" and not result.requires_grad
    return isinstance(result, (float, complex)) or getattr(getattr(result, "dtype", None), "kind", "") in "fcO" and \
        hasattr(result, "dtype")


UFUNC_NAMES = sorted(name for name in dir(np) if isinstance(getattr(np, name), np.ufunc))


@pytest.mark.parametrize("name", UFUNC_NAMES)
def test_a_ufunc_differentiates_or_is_constant_or_refuses(name):
    ufunc = getattr(np, name)
    others = [B] * (ufunc.nin - 1)
    if ufunc in (np.matmul, np.vecdot, getattr(np, "matvec", None), getattr(np, "vecmat", None)):
        others = [{"matmul": B.T, "vecdot": B, "matvec": B[0], "vecmat": B}[name]]
    x = tm.Tensor(X).requires_grad_()
    try:
        y = ufunc(x, *others)
    except TypeError as error:
        assert name in str(error) or ufunc.__name__ in str(error)
        return
    assert not detached(y)
    np.testing.assert_allclose(y.data, ufunc(X, *others), rtol=1e-12)
    if y.requires_grad:
        for at in range(ufunc.nin):  # the Tensor at each place
            start = X.T if name == "matmul" and at else X
            constants = [B] if name == "matmul" and at else others
            assert gradcheck(lambda a, at=at, others=constants: ufunc(*others[:at], a, *others[at:]), [start])
    else:
        assert y.dtype.kind in "biu"


@pytest.mark.parametrize("name", UFUNC_NAMES)
def test_a_ufuncs_other_methods_differentiate_or_refuse(name):
    ufunc = getattr(np, name)
    x = tm.Tensor(X).requires_grad_()
    for method, call in (("reduce", lambda f: f.reduce(x)), ("accumulate", lambda f: f.accumulate(x)),
                         ("outer", lambda f: f.outer(x, x)), ("at", lambda f: f.at(X.copy(), [0], x[0])),
                         ("reduceat", lambda f: f.reduceat(x, [0]))):
        if ufunc.nin != 2 or ufunc.nout != 1 or ufunc.signature:
            continue
        if method == "reduce" and ufunc in REDUCTIONS:
            np.testing.assert_allclose(call(ufunc).data, ufunc.reduce(X), rtol=1e-12)
            assert gradcheck(lambda a: ufunc.reduce(a, axis=1, keepdims=True), [X])
        else:
            with pytest.raises(TypeError):
                call(ufunc)


def public_functions():
    for room in (np, np.linalg, np.fft, np.strings, np.emath):
        for name in sorted(dir(room)):
            f = getattr(room, name)
            if not name.startswith("_") and callable(f) and hasattr(f, "__name__") \
                    and not isinstance(f, (type, np.ufunc)):
                yield pytest.param(f, id=f"{room.__name__}.{name}")


IGNORED = {"show_config", "show_runtime", "info", "savez", "savez_compressed", "save", "savetxt", "load", "fromfile",
           "memmap", "genfromtxt", "fromregex", "get_include", "setbufsize", "seterr", "seterrcall",
           "set_printoptions", "printoptions", "loadtxt"}
FRESH = {"zeros_like", "ones_like", "empty_like", "empty"}  # floating-point numbers, but none of x's


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("function", list(public_functions()))
def test_a_public_function_never_detaches(function, capsys):
    if function.__name__ in IGNORED | FRESH:
        return
    x = tm.Tensor(X).requires_grad_()
    square = tm.Tensor(X[:, :3]).requires_grad_()
    tries = [(x,), (square,), (x, x), (square, square), ([x, x],), (x, 1), (x, 0, 1), (x, [0, 1]), (X, x),
             (1, x), (x, X, x), (lambda *a: x, x), (lambda a: a, 0, x), (lambda a: a, (2,), x), (x.data > 0, x),
             (x, "..."), ((3,), x), (X, [True], x)]
    for args in tries:
        try:
            result = function(*args)
        except Exception:  # refused, here or by NumPy: the tape has lost nothing
            continue
        assert not detached(result) or _independent(function, args, result), (function, args)


def _independent(function, args, result):
    """Floating-point numbers that do not come from a Tensor's: the same for another Tensor of that shape."""
    def moved(a):
        if isinstance(a, tm.Tensor):
            return tm.Tensor(a.data + RNG.uniform(0.01, 0.02, a.shape)).requires_grad_()
        return [moved(b) for b in a] if isinstance(a, list) else a

    again = function(*map(moved, args))
    return repr(again) == repr(result)


def test_arguments_without_a_meaning_are_refused_by_name():
    x = tm.Tensor(X).requires_grad_()
    for call, word in ((lambda: np.sum(x, dtype=np.float32), "sum.*dtype"),
                       (lambda: np.sum(x, 0, np.float32), "sum.*dtype"),
                       (lambda: np.mean(x, where=X > 0.5), "mean.*where"),
                       (lambda: np.add(x, x, out=X.copy()), "add.*out"),
                       (lambda: np.exp(x, where=X > 0.5), "exp.*where"),
                       (lambda: np.max(x, initial=2.0), "max.*initial"),
                       (lambda: np.concatenate([x, x], dtype=np.float32), "concatenate.*dtype"),
                       (lambda: np.reshape(x, -1, order="F"), "reshape.*order"), (lambda: np.dot(x, B[None]), "np.dot"),
                       (lambda: np.linalg.norm(x, 2), "norm"), (lambda: np.isnan(x, where=X > 0.5), "isnan.*where")):
        with pytest.raises(TypeError, match=word):
            call()


def test_in_place_arithmetic_of_an_array_with_a_tensor_is_refused():
    x, a = tm.Tensor(X).requires_grad_(), X.copy()
    with pytest.raises(TypeError, match="out"):
        a += x


def test_an_array_on_the_left_does_not_swallow_the_tensor():
    x = tm.Tensor(X).requires_grad_()
    for y in (B + x, B - x, B * x, B / x, B ** x, B.T @ x, np.float64(2) * x, 2 - x, 2.0 ** x):
        assert isinstance(y, tm.Tensor) and y.requires_grad


def test_numpy_scalars_do_not_widen_float32():
    x = tm.tensor(X, dtype=np.float32)
    for y in (np.float64(2) * x, x * np.float64(2), x / np.int64(3), x ** np.float64(2), np.sqrt(2) + x,
              x.mean() * x, x.std()):
        assert y.dtype == np.float32


METHODS = {
    "sum": lambda x: x.sum(dim=1, keepdim=True), "reshape": lambda x: x.reshape(2, 6) * x.reshape((2, -1)),
    "permute": lambda x: x.permute(1, 0) + x.permute((-1, 0)), "expand": lambda x: x[:, None].expand(3, 2, -1),
    "flip": lambda x: x.flip(0, 1) + x.flip([0]), "T": lambda x: x.T @ x, "mT": lambda x: x @ x.mT,
    "to": lambda x: x.to("float64"),
    "transpose": lambda x: x.transpose(0, 1), "max": lambda x: x.max(1)[0] + x.max(), "index": lambda x: x[1:, [0, 0]],
    "matmul": lambda x: x.matmul(B.T), "rmatmul": lambda x: B.T @ x, "clip": lambda x: x.clip(0.4, 0.6),
    "topk": lambda x: x.topk(2)[0], "split": lambda x: x.split(2, 1)[1], "norm": lambda x: x.norm(axis=1),
    "iter": lambda x: sum(row * k for k, row in enumerate(x)), "masked_fill": lambda x: x.masked_fill(X > 0.5, 0.0),
}


@pytest.mark.parametrize("call", [pytest.param(call, id=name) for name, call in METHODS.items()])
def test_methods_differentiate(call):
    assert gradcheck(call, [X])


def test_comparisons_and_logic_are_constants():
    x = tm.Tensor(X).requires_grad_()
    both = (x > 0.5) & ~(x >= 0.8) | (x == x) ^ (x != x)
    assert isinstance(both, tm.Tensor) and both.dtype == bool and not both.requires_grad
    assert both.all() and x.argmax().item() == X.argmax() and np.argmax(x) == X.argmax()
    assert np.argsort(x, axis=0).dtype == np.intp


def test_every_ufunc_of_the_table_is_public():
    assert set(UFUNCS) <= {getattr(np, name) for name in UFUNC_NAMES}


BETWEEN = (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.matmul,
           operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)


@pytest.mark.parametrize("numbers", [[1.5, 2.0], (1.5, 2.0), [1, 2], [[0.1, 0.2], [0.3, 4]]], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("f", BETWEEN, ids=lambda f: f.__name__)
def test_a_list_beside_a_tensor_is_an_array_of_its_dtype(f, dtype, numbers, rng):
    """NumPy alone would make float64 of float32; a list has neither `ndim` nor a minus."""
    x = rng.uniform(0.5, 2, (2, 2)).astype(dtype)
    array = np.array(numbers, dtype)
    for order in (lambda a, b: (a, b), lambda a, b: (b, a)):
        t, same = tm.tensor(x, requires_grad=True), tm.tensor(x, requires_grad=True)
        y, expected = f(*order(t, numbers)), f(*order(same, array))
        assert isinstance(y, tm.Tensor) and y.dtype == expected.dtype and y.dtype in (dtype, bool)
        np.testing.assert_array_equal(y.data, expected.data)
        if y.requires_grad:
            g = rng.standard_normal(y.shape)
            np.testing.assert_array_equal(tm.grad(y, t, g)[0].data, tm.grad(expected, same, g)[0].data)


def test_lists_that_are_no_operands():
    t = tm.tensor([1.0, 2.0], requires_grad=True)
    assert F.add([1.0], [2.0]).tolist() == [3] and (tm.tensor([1, 2]) + [3, 4]).dtype.kind == "i"
    with pytest.raises(TypeError):
        t + ["a", "b"]
    with pytest.raises(TypeError, match="leave the tape"):
        t + [t, t]
    with pytest.raises(ValueError, match="add: "):
        t + [1.0, 2.0, 3.0]


@pytest.mark.parametrize("call, name", [
    (lambda m, t: tm.tensor(m), "tensor"), (lambda m, t: t + m, "add"), (lambda m, t: t * m, "multiply"),
    (lambda m, t: t @ m, "matmul"), (lambda m, t: F.concatenate([t, m]), "concatenate"),
    (lambda m, t: F.mse_loss(t, m), "mse_loss"), (lambda m, t: F.exp(m), "exp"),
    (lambda m, t: F.softmax(m, -1), "softmax"), (lambda m, t: np.add(t, m), "add"),
    (lambda m, t: t.backward(m), "backward"), (lambda m, t: tm.grad(t, t, m), "grad"),
    (lambda m, t: F.einsum("ij,jk->ik", t, m), "contract")])
def test_a_masked_array_is_refused(call, name):
    """np.asarray shows what the mask hides, and says nothing."""
    m = np.ma.array(np.ones((2, 2)), mask=[[0, 1], [0, 0]])
    with pytest.raises(ValueError,
                       match=rf"^{name}: the mask of a masked array .*float64 \(2, 2\) with 1 elements hidden"):
        call(m, tm.tensor(np.ones((2, 2)), requires_grad=True))


def test_a_masked_array_first():
    """Its own operators come before ours: they may keep the mask, never the gradient in silence."""
    with pytest.raises((TypeError, ValueError)):
        np.ma.array([1.0, 2.0], mask=[0, 1]) + tm.tensor([1.0, 2.0], requires_grad=True)


@pytest.mark.parametrize("f", [operator.mul, operator.add, operator.pow, operator.matmul])
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_other_arrays_count_as_their_numbers(f, tmp_path):
    """np.matrix * is a product of matrices; a file mapped into memory is an array like any other."""
    numbers = np.array([[1.0, 2.0], [3.0, 0.5]])
    mapped = np.memmap(tmp_path / "numbers", "float64", "w+", shape=(2, 2))
    mapped[...] = numbers
    for other in (np.matrix(numbers), mapped, numbers.view(np.recarray)):
        t = tm.tensor(numbers, requires_grad=True)
        y = f(t, other)
        assert type(y.data) is np.ndarray and type(tm.tensor(other).data) is np.ndarray
        np.testing.assert_array_equal(y.data, f(numbers, numbers))
        y.backward(other)
        assert type(t.grad) is np.ndarray
