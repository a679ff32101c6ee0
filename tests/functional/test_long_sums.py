"""Whatever adds up many numbers of float32 gives float64's result but for a few roundings, along every axis.

Equal signs, and one number that most sums repeat: roundings that are added one after another then all go one way.
"""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F

N = 200_000
EPS = np.finfo(np.float32).eps
FEW = 4 * np.log2(N) * EPS


def filled(*shape):
    """A tenth everywhere, but for its last digits."""
    x = np.full(shape, 0.1, np.float32)
    x[..., 0] += np.float32(1e-3)
    return x


def gradient(f, x, g=None):
    """The gradient of f at x, for the cotangent g or one of tenths."""
    x = tm.tensor(x, requires_grad=True)
    y = f(x)
    y.backward(np.full(y.shape, 0.1, y.dtype) if g is None else g.astype(y.dtype))
    return x.grad


ROWS, COLUMNS, MIDDLE = filled(N, 2), filled(2, N), filled(2, N, 3)
ZEROS = np.zeros(2, np.float32)
INDEX = np.arange(N) % 2
LAID = {"rows": (ROWS, 0), "columns": (COLUMNS, 1), "middle": (MIDDLE, 1), "all": (ROWS, None),
        "transposed": (ROWS.T, 1), "turned": (COLUMNS.T, 0),
        "outer two": (filled(500, 2, 400), (0, 2)), "every other": (filled(N, 4)[:, ::2], 0)}
REDUCTIONS = {
    "sum": F.sum, "mean": F.mean, "std": F.std, "var": F.var, "norm": lambda x, a: F.norm(x, 2, a),
    "cubic norm": lambda x, a: F.norm(x, 3, a), "logsumexp": F.logsumexp}
ALONG = {"softmax": F.softmax, "log_softmax": F.log_softmax, "cumsum": F.cumsum}
OTHERS = {
    "einsum": lambda x: F.einsum("ij->j", x),
    "mse_loss": lambda x: F.mse_loss(x, x * 0), "l1_loss": lambda x: F.l1_loss(x, x * 0),
    "kl_div": lambda x: F.kl_div(x * 0, x), "cross_entropy": lambda x: F.cross_entropy(x, INDEX),
    "nll_loss": lambda x: F.nll_loss(-x, INDEX), "bce": lambda x: F.binary_cross_entropy_with_logits(x, x * 0),
    "index_add": lambda x: F.index_add(np.zeros((2, 2), x.dtype), 0, INDEX, x),
    "scatter_add": lambda x: F.scatter_add(np.zeros((2, 2), x.dtype), 0, np.stack([INDEX, INDEX], 1), x),
    "place": lambda x: F.place(x, (INDEX, slice(None)), (2, 2)),
    "average pixel": lambda x: F.avg_pool2d(x.reshape(1, 1, 200, 2000), 200),
    "bias": lambda x: gradient(lambda b: x + b, ZEROS.astype(x.dtype), x),
    "scalar": lambda x: gradient(lambda b: x * b, np.array(1, x.dtype), x),
    "linear bias": lambda x: gradient(lambda b: F.linear(x, np.eye(2, dtype=x.dtype), b), ZEROS.astype(x.dtype), x),
    "conv bias": lambda x: gradient(lambda b: F.conv2d(x.T.reshape(1, 2, 500, 400), np.eye(2, dtype=x.dtype).reshape(
        2, 2, 1, 1), b), ZEROS.astype(x.dtype), x.T.reshape(1, 2, 500, 400)),
    "layer norm's bias": lambda x: gradient(lambda b: F.layer_norm(x, 2, bias=b), ZEROS.astype(x.dtype), x),
    "batch norm's bias": lambda x: gradient(lambda b: F.batch_norm(x, bias=b, training=True), ZEROS.astype(x.dtype), x),
    "embedding": lambda x: gradient(lambda w: F.embedding(INDEX, w), np.zeros((3, 2), x.dtype), x),
    "getitem": lambda x: gradient(lambda w: w[INDEX, 0], np.zeros((2, 2), x.dtype), x[:, 0]),
    "gather": lambda x: gradient(lambda w: F.gather(w, 1, INDEX[None]), np.zeros((1, 2), x.dtype), x[:, 0][None]),
}


def compare(f, x):
    found, expected = np.asarray(f(x)), np.asarray(f(x.astype(np.float64)))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=FEW, atol=0)


@pytest.mark.parametrize("layout", LAID)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name, layout):
    x, axis = LAID[layout]
    compare(lambda x: REDUCTIONS[name](x, axis), x)


@pytest.mark.parametrize("layout", [name for name, (_, axis) in LAID.items() if isinstance(axis, int)])
@pytest.mark.parametrize("name", ALONG)
def test_along_an_axis(name, layout):
    x, axis = LAID[layout]
    compare(lambda x: ALONG[name](x, axis), x)


@pytest.mark.parametrize("name", OTHERS)
def test_other_sums(name):
    compare(OTHERS[name], ROWS)


def test_statistics_of_a_batch():
    """Running statistics show the mean and the variance that a batch is normalised by."""
    x = np.random.default_rng(0).random((N, 2)).astype(np.float32)
    mean, var = np.zeros(2, np.float32), np.zeros(2, np.float32)
    F.batch_norm(x, mean, var, training=True, momentum=1.0)
    np.testing.assert_allclose(mean, x.mean(0, dtype=np.float64), rtol=FEW)
    np.testing.assert_allclose(var, x.var(0, dtype=np.float64, ddof=1), rtol=FEW)
