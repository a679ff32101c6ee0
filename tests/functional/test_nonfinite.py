"""Gradients at NaN, at infinities and at ties: PyTorch's, recorded here, so that they are tested without it too."""

import warnings

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F

nan, inf = np.nan, np.inf
POINTS, COTANGENTS = (-inf, -1.0, 0.0, 1.0, inf, nan), (1.0, inf, nan)
# At each of the points, the gradients for the three cotangents. Of elu at NaN PyTorch says sometimes one thing and
# sometimes another, depending on where in the array the number stands; here it is NaN.
GRADIENTS = {
    "abs": "-1 -inf nan  -1 -inf nan  0 nan nan  1 inf nan  1 inf nan  0 nan nan",
    "ceil": "0 0 0  0 0 0  0 0 0  0 0 0  0 0 0  0 0 0",
    "cos": "nan nan nan  0.8415 inf nan  0 nan nan  -0.8415 -inf nan  nan nan nan  nan nan nan",
    "elu": "0 nan nan  0.3679 inf nan  1 inf nan  1 inf nan  1 inf nan  nan nan nan",
    "erf": "0 nan nan  0.4151 inf nan  1.1284 inf nan  0.4151 inf nan  0 nan nan  nan nan nan",
    "exp": "0 nan nan  0.3679 inf nan  1 inf nan  2.7183 inf nan  inf inf nan  nan nan nan",
    "expm1": "0 nan nan  0.3679 inf nan  1 inf nan  2.7183 inf nan  inf inf nan  nan nan nan",
    "floor": "0 0 0  0 0 0  0 0 0  0 0 0  0 0 0  0 0 0",
    "gelu": "nan nan nan  -0.0833 -inf nan  0.5 inf nan  1.0833 inf nan  nan nan nan  nan nan nan",
    "leaky_relu": "0.01 inf nan  0.01 inf nan  0.01 inf nan  1 inf nan  1 inf nan  0.01 inf nan",
    "log": "0 nan nan  -1 -inf nan  inf inf nan  1 inf nan  0 nan nan  nan nan nan",
    "log1p": "0 nan nan  inf inf nan  1 inf nan  0.5 inf nan  0 nan nan  nan nan nan",
    "reciprocal": "0 nan nan  -1 -inf nan  -inf -inf nan  -1 -inf nan  0 nan nan  nan nan nan",
    "relu": "0 0 0  0 0 0  0 0 0  1 inf nan  1 inf nan  1 inf nan",
    "round": "0 0 0  0 0 0  0 0 0  0 0 0  0 0 0  0 0 0",
    "rsqrt": "nan nan nan  nan nan nan  -inf -inf nan  -0.5 -inf nan  0 nan nan  nan nan nan",
    "sigmoid": "0 nan nan  0.1966 inf nan  0.25 inf nan  0.1966 inf nan  0 nan nan  nan nan nan",
    "sign": "0 0 0  0 0 0  0 0 0  0 0 0  0 0 0  0 0 0",
    "silu": "nan nan nan  0.0723 inf nan  0.5 inf nan  0.9277 inf nan  nan nan nan  nan nan nan",
    "sin": "nan nan nan  0.5403 inf nan  1 inf nan  0.5403 inf nan  nan nan nan  nan nan nan",
    "softplus": "0 nan nan  0.2689 inf nan  0.5 inf nan  0.7311 inf nan  1 inf nan  nan nan nan",
    "sqrt": "nan nan nan  nan nan nan  inf inf nan  0.5 inf nan  0 nan nan  nan nan nan",
    "square": "-inf -inf nan  -2 -inf nan  0 nan nan  2 inf nan  inf inf nan  nan nan nan",
    "tanh": "0 nan nan  0.42 inf nan  1 inf nan  0.42 inf nan  0 nan nan  nan nan nan",
}
PAIRS = {  # two inputs, and the gradient of each for a cotangent of 1
    "maximum": [((1, 2), (0, 1)), ((2, 2), (0.5, 0.5)), ((1, nan), (1, 1)), ((nan, 1), (1, 1)), ((nan, nan), (1, 1)),
                ((inf, inf), (0.5, 0.5)), ((-inf, 0), (0, 1))],
    "minimum": [((1, 2), (1, 0)), ((2, 2), (0.5, 0.5)), ((1, nan), (1, 1)), ((nan, 1), (1, 1)), ((nan, nan), (1, 1)),
                ((inf, inf), (0.5, 0.5)), ((-inf, 0), (1, 0))],
    "power": [((nan, 0), (0, nan)), ((inf, 0), (0, inf)), ((0, 0), (0, 0)), ((0, 2), (0, 0)), ((nan, 1), (1, nan))],
}
X = [3.0, 1.0, 3.0, nan, 2.0, nan]
EXTREMES = [  # a function, the array, and its gradient for a cotangent of 1
    (lambda x: F.max(x), [1, 3, 3], [0, 0.5, 0.5]), (lambda x: F.max(x, 0)[0], [1, 3, 3], [0, 1, 0]),
    (lambda x: F.amax(x, 0), [1, 3, 3], [0, 0.5, 0.5]), (lambda x: F.min(x), [1, 1, 3], [0.5, 0.5, 0]),
    (lambda x: F.min(x, 0)[0], [1, 1, 3], [1, 0, 0]), (lambda x: F.amin(x, 0), [1, 1, 3], [0.5, 0.5, 0]),
    (lambda x: F.max(x), X, [0, 0, 0, 0.5, 0, 0.5]), (lambda x: F.min(x), X, [0, 0, 0, 0.5, 0, 0.5]),
    (lambda x: F.max(x, 0)[0], X, [0, 0, 0, 1, 0, 0]), (lambda x: F.min(x, 0)[0], X, [0, 0, 0, 1, 0, 0]),
    (lambda x: F.amax(x, 0), X, [nan] * 6), (lambda x: F.amin(x, 0), X, [nan] * 6), (F.amax, X, [nan] * 6),
    (lambda x: F.sort(x)[0][:2], X, [0, 1, 0, 0, 1, 0]), (lambda x: F.sort(x)[0][-1:], [1, nan, 2], [0, 1, 0]),
    (lambda x: F.sort(x, descending=True)[0][:1], [1, nan, 2], [0, 1, 0]),
    (lambda x: F.topk(x, 1)[0], [1, nan, 2], [0, 1, 0]),
    (lambda x: F.topk(x, 1, largest=False)[0], [2, nan, 1], [0, 0, 1]),
    (lambda x: F.clip(x, 1, 2), [1, 2, 0, 3, nan], [1, 1, 0, 0, 0]),
    (lambda x: F.norm(x, 1), [2, 0, -3], [1, 0, -1]), (lambda x: F.prod(x), [0, 2, 0], [0, 0, 0]),
]
WINDOWS = [  # an image under windows of 2 pixels by 2, and its gradient for a cotangent of 1
    ([[1, nan], [3, 4]], 0, [[0, 1], [0, 0]]), ([[nan, nan], [3, nan]], 0, [[0, 0], [0, 1]]),
    ([[2, 2], [2, 1]], 0, [[1, 0], [0, 0]]), ([[-inf, -inf], [-inf, -inf]], 0, [[1, 0], [0, 0]]),
    ([[-inf, -inf], [-inf, -inf]], 1, [[1, 1], [1, 1]]), ([[nan, 5], [5, -inf]], 1, [[1, 1], [1, 1]]),
]


def gradients(f, *inputs, g=1.0):
    leaves = [tm.tensor(np.array(x, float), requires_grad=True) for x in inputs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        y = f(*leaves)
        y.backward(np.broadcast_to(np.asarray(g, float), y.shape).copy())
        again = [tm.tensor(np.array(x, float), requires_grad=True) for x in inputs]
        y = f(*again)
        recorded = tm.grad(y, again, tm.tensor(np.broadcast_to(np.asarray(g, float), y.shape)), create_graph=True)
    for leaf, d in zip(leaves, recorded):
        finite = np.isfinite(leaf.grad)                                 # recorded or not, but for sums with inf − inf
        np.testing.assert_allclose(d.data[finite], leaf.grad[finite])
    return [leaf.grad for leaf in leaves]


def grid(values, times, repeat):
    return np.array([float(v) for v in values for _ in range(repeat)] * times)


@pytest.mark.parametrize("name", GRADIENTS)
def test_elementwise_gradients(name):
    x, g = grid(POINTS, 1, len(COTANGENTS)), grid(COTANGENTS, len(POINTS), 1)
    expected = np.array(list(map(float, GRADIENTS[name].split())))
    np.testing.assert_allclose(gradients(getattr(F, name), x, g=g)[0], expected, rtol=1e-4, atol=6e-5)


@pytest.mark.parametrize("name", PAIRS)
def test_gradients_of_pairs(name):
    for inputs, expected in PAIRS[name]:
        np.testing.assert_array_equal(gradients(getattr(F, name), *inputs), expected, err_msg=str(inputs))


@pytest.mark.parametrize("f, x, expected", EXTREMES)
def test_gradients_of_extremes(f, x, expected):
    np.testing.assert_array_equal(gradients(f, x)[0], np.array(expected, float))


@pytest.mark.parametrize("image, padding, expected", WINDOWS)
def test_gradients_of_windows(image, padding, expected):
    d, = gradients(lambda x: F.max_pool2d(x, 2, padding=padding), np.array([[image]], float))
    np.testing.assert_array_equal(d[0, 0], expected)


@pytest.mark.parametrize("name", [name for name in GRADIENTS if name != "elu"])
def test_the_record_is_true(name):
    torch = pytest.importorskip("torch")
    f = getattr(torch, name, None) or getattr(torch.nn.functional, name)
    x = torch.tensor(grid(POINTS, 1, len(COTANGENTS)), requires_grad=True)
    f(x).backward(torch.tensor(grid(COTANGENTS, len(POINTS), 1)))
    np.testing.assert_allclose(x.grad.numpy(), list(map(float, GRADIENTS[name].split())), rtol=1e-4, atol=6e-5)


@pytest.mark.parametrize("name", PAIRS)
def test_the_record_of_pairs_is_true(name):
    torch = pytest.importorskip("torch")
    for inputs, expected in PAIRS[name]:
        leaves = [torch.tensor(float(x), requires_grad=True) for x in inputs]
        {"power": torch.pow}.get(name, getattr(torch, name, None))(*leaves).backward()
        np.testing.assert_array_equal([leaf.grad for leaf in leaves], expected, err_msg=str(inputs))


def test_the_record_of_windows_is_true():
    torch = pytest.importorskip("torch")
    for image, padding, expected in WINDOWS:
        x = torch.tensor([[[[float(v) for v in row] for row in image]]], requires_grad=True)
        torch.nn.functional.max_pool2d(x, 2, padding=padding).sum().backward()
        np.testing.assert_array_equal(x.grad[0, 0], expected)


def torch_extremes(torch):
    """PyTorch's functions in the order of EXTREMES."""
    return [torch.max, lambda x: torch.max(x, 0)[0], lambda x: torch.amax(x, 0), torch.min,
            lambda x: torch.min(x, 0)[0], lambda x: torch.amin(x, 0), torch.max, torch.min,
            lambda x: torch.max(x, 0)[0], lambda x: torch.min(x, 0)[0], lambda x: torch.amax(x, 0),
            lambda x: torch.amin(x, 0), torch.amax, lambda x: torch.sort(x)[0][:2], lambda x: torch.sort(x)[0][-1:],
            lambda x: torch.sort(x, descending=True)[0][:1], lambda x: torch.topk(x, 1)[0],
            lambda x: torch.topk(x, 1, largest=False)[0], lambda x: torch.clip(x, 1, 2),
            lambda x: torch.linalg.vector_norm(x, 1), torch.prod]


def test_the_record_of_extremes_is_true():
    torch = pytest.importorskip("torch")
    for i, (f, (_, values, expected)) in enumerate(zip(torch_extremes(torch), EXTREMES, strict=True)):
        x = torch.tensor([float(v) for v in values], requires_grad=True)
        f(x).sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), np.array(expected, float), err_msg=str(i))
