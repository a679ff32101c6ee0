"""Recurrent scans beyond their spec rows: padding, direction, PyTorch's whole layers, what is not computed, errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F

KINDS = [pytest.param("lstm", 4, 2, id="lstm"), pytest.param("gru", 3, 1, id="gru"),
         pytest.param("rnn_tanh", 1, 1, id="rnn_tanh")]
sizes = st.integers(1, 4)


def drawn(rng, gates, states, batch, steps, width, size):
    """input, states, weights and biases."""
    rows = gates * size
    shapes = [(batch, steps, width), *[(batch, size)] * states, (rows, width), (rows, size), (rows,), (rows,)]
    return [rng.uniform(-1, 1, shape) for shape in shapes]


@pytest.mark.parametrize("kind, gates, states", KINDS)
@pytest.mark.parametrize("reverse", [False, True])
@given(sizes, sizes, sizes, sizes, st.integers(0, 2**32 - 1))
def test_padding_changes_nothing_and_receives_nothing(kind, gates, states, reverse, batch, steps, width, size, seed):
    """Each row of a padded batch equals its own sequence alone; its padding gets a gradient of exactly zero."""
    rng = np.random.default_rng(seed)
    args, scan = drawn(rng, gates, states, batch, steps + 2, width, size), getattr(F, kind)
    lengths = rng.integers(0, steps + 3, batch)
    mask = np.arange(steps + 2) < lengths[:, None]
    x = tm.tensor(args[0], requires_grad=True)
    outputs, *last = scan(x, *args[1:], mask, reverse)
    for b, n in enumerate(lengths):
        if n == 0:
            np.testing.assert_array_equal(outputs.data[b], np.broadcast_to(args[1][b], outputs.shape[1:]))
            continue
        before = (s[b:b + 1] for s in args[1:1 + states])
        alone, *state = scan(args[0][b:b + 1, :n], *before, *args[1 + states:], None, reverse)
        np.testing.assert_allclose(outputs.data[b, :n], alone[0], rtol=1e-10, atol=1e-12)
        for ours, theirs in zip(last, state, strict=True):
            np.testing.assert_allclose(ours.data[b], theirs[0], rtol=1e-10, atol=1e-12)
    outputs.backward(rng.standard_normal(outputs.shape))
    assert (x.grad[~mask] == 0).all()


@pytest.mark.parametrize("kind, gates, states", KINDS)
@given(sizes, sizes, sizes, sizes, st.integers(0, 2**32 - 1))
def test_backwards_is_forwards_on_the_reversed_sequence(kind, gates, states, batch, steps, width, size, seed):
    x, *rest = drawn(np.random.default_rng(seed), gates, states, batch, steps, width, size)
    scan = getattr(F, kind)
    forwards, backwards = scan(x[:, ::-1], *rest), scan(x, *rest, None, True)
    np.testing.assert_array_equal(backwards[0], forwards[0][:, ::-1])
    for a, b in zip(backwards[1:], forwards[1:], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind, gates, states", KINDS)
def test_a_long_sequence_equals_torch(rng, kind, gates, states):
    """T = 50, both directions at once in PyTorch's layer; gradients of input and weights."""
    torch = pytest.importorskip("torch", reason="PyTorch is an optional peer")
    size, layers = 5, {"lstm": "LSTM", "gru": "GRU", "rnn_tanh": "RNN"}
    layer = getattr(torch.nn, layers[kind])(3, size, batch_first=True, bidirectional=True, dtype=torch.float64)
    x = rng.standard_normal((2, 50, 3))
    g = rng.standard_normal((2, 50, 2 * size))
    theirs = torch.tensor(x, requires_grad=True)
    expected = layer(theirs)[0]
    expected.backward(torch.tensor(g))
    weights = [tm.tensor(p.detach().numpy(), requires_grad=True) for p in layer.parameters()]
    ours, state = tm.tensor(x, requires_grad=True), [np.zeros((2, size))] * states
    both = [getattr(F, kind)(ours, *state, *weights[4 * k:4 * k + 4], None, bool(k))[0] for k in range(2)]
    y = F.concatenate(both, 2)
    np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    y.backward(g)
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=1e-9, atol=1e-11)
    for w, p in zip(weights, layer.parameters(), strict=True):
        np.testing.assert_allclose(w.grad, p.grad.numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kind, gates, states", KINDS)
def test_a_walk_can_be_repeated(rng, kind, gates, states):
    """What the forward saved is as it was after a backward walk."""
    tensors = [tm.tensor(a, requires_grad=True) for a in drawn(rng, gates, states, 2, 4, 3, 3)]
    y = getattr(F, kind)(*tensors)[0]
    g = rng.standard_normal(y.shape)
    first = tm.grad(y, tensors, g, retain_graph=True)
    for a, b in zip(first, tm.grad(y, tensors, g), strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_gates_saturate_without_overflow():
    with np.errstate(all="raise"):
        x = np.full((1, 2, 1), 1e4)
        outputs, _, c = F.lstm(x, np.zeros((1, 1)), np.zeros((1, 1)), np.ones((4, 1)), np.ones((4, 1)))
    np.testing.assert_allclose(outputs[0, :, 0], np.tanh([1.0, 2.0]), rtol=1e-12)
    assert c.item() == 2.0


@pytest.mark.parametrize("kind, gates, states", KINDS)
@pytest.mark.parametrize("wrong, shape, message", [
    ("x", (2, 3), r"input must be \(B, T, D\)"), ("x", (2, 0, 3), "at least one step"),
    ("h", (3, 5), "state 0 must be"),
    ("w_ih", (4, 4), "w_ih must be"), ("b_hh", (1,), "b_hh must be"), ("mask", (2, 2), "mask must be"),
])
def test_errors_name_the_part(rng, kind, gates, states, wrong, shape, message):
    args = dict(zip(["x", "h", "c"][:1 + states] + ["w_ih", "w_hh", "b_ih", "b_hh"],
                    drawn(rng, gates, states, 2, 3, 4, 5)))
    args[wrong] = np.ones(shape, bool) if wrong == "mask" else np.zeros(shape)
    with pytest.raises(ValueError, match=f"{kind}: .*{message}"):
        getattr(F, kind)(*args.values())


def test_a_mask_of_numbers_is_refused(rng):
    with pytest.raises(ValueError, match="gru: mask must be boolean"):
        F.gru(*drawn(rng, 3, 1, 2, 3, 4, 5), np.ones((2, 3)))
