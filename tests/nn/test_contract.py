"""What every layer must do, table-driven: a new public layer without a row in cases.py fails here."""

import copy
import inspect
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
from tinymm import nn
from tinymm.testing import gradcheck

from .cases import CASES, as_leaves, built, called, called_with, is_float

SEEDS = st.integers(0, 2**32 - 1)
ADAPTERS = set(nn.lora.__all__)  # stand around other layers, which they freeze: tests/nn/test_lora.py
LAYERS = {name: getattr(nn, name) for name in nn.__all__ if name not in ADAPTERS
          and inspect.isclass(getattr(nn, name)) and issubclass(getattr(nn, name), nn.Module)}
FORWARDLESS = {"Module", "ModuleList", "ModuleDict"}
STACKS = {"TransformerEncoder", "TransformerDecoder"}  # large, and of layers that have rows of their own: two calls do


def each_case(examples=10):
    """Run the test for every layer on several drawn sizes, weights and inputs."""
    def decorate(test):
        @pytest.mark.parametrize("name", sorted(CASES))
        def run(name):
            share = min(examples, 2) if name in STACKS else examples
            settings(max_examples=max(2, settings().max_examples * share // 25))(
                given(SEEDS)(lambda s: test(name, s)))()
        run.__name__ = test.__name__
        run.__doc__ = test.__doc__
        return run
    return decorate


def test_every_public_layer_has_a_case():
    missing = set(LAYERS) - FORWARDLESS - {name.partition("_")[0] for name in CASES}
    assert not missing, f"layers without a row in tests/nn/cases.py: {sorted(missing)}"


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_constructors_have_at_most_eight_arguments(name):
    assert len(inspect.signature(LAYERS[name]).parameters) <= 8


@each_case()
def test_output_shape_and_dtype(name, seed):
    for dtype in (np.float32, np.float64):
        layer, inputs, shape = built(name, seed, dtype)
        y = called(layer, inputs)
        assert y.shape == shape and y.dtype == dtype


def unit(v):
    return v / np.linalg.norm(v)


@each_case(6)
def test_gradients_of_inputs_and_parameters(name, seed):
    """Along one random direction per array, in training and in evaluation:
    a wrong element shows in almost every one."""
    layer, inputs, _ = built(name, seed)
    rng = np.random.default_rng(seed + 1)
    parameters = dict(layer.named_parameters())
    places = [i for i, a in enumerate(inputs) if is_float(a)]
    along = [unit(rng.normal(size=a.shape)) for a in (*(inputs[i] for i in places), *parameters.values())]
    noise = layer.rng_state()

    def f(*steps):
        layer.load_rng_state(noise)  # the same dropout each time
        moved = [step * v for step, v in zip(steps, along)]
        new = dict(enumerate(inputs)) | {i: m + inputs[i] for i, m in zip(places, moved)}
        replacements = {key: m + p.data for (key, p), m in zip(parameters.items(), moved[len(places):])}
        return called_with(layer, replacements, list(new.values()))

    for mode in (True, False):
        layer.train(mode)
        # curvature of a whole layer, not of one op
        gradcheck(f, [np.zeros(())] * len(along), rng, rtol=1e-5, atol=1e-7)


@each_case(3)
def test_float32_gradients_stay_close_to_float64(name, seed):
    found = []
    for dtype in (np.float32, np.float64):
        layer, inputs, shape = built(name, seed, dtype)
        leaves = as_leaves(inputs)
        called(layer, leaves).backward(np.random.default_rng(seed).normal(size=shape))
        tensors = [t for t in leaves if isinstance(t, tm.Tensor)] + list(layer.parameters())
        assert all(t.grad is None or t.grad.dtype == dtype for t in tensors)
        found.append([np.zeros(t.shape) if t.grad is None else t.grad for t in tensors])
    scale = max(1.0, *(np.abs(b).max(initial=0) for b in found[1])) if found[1] else 1.0
    for a, b in zip(*found):
        # near a norm's σ → 0 a drawn layer may lose 3 digits
        np.testing.assert_allclose(a, b, rtol=0, atol=3e-4 * scale)


@each_case(3)
def test_every_parameter_gets_a_gradient_unless_frozen(name, seed):
    layer, inputs, shape = built(name, seed)
    g = np.random.default_rng(seed).normal(size=shape)
    if list(layer.parameters()):
        called(layer, inputs).backward(g)
        assert all(p.grad is not None and p.grad.shape == p.shape for p in layer.parameters())
    layer.zero_grad()
    layer.requires_grad_(False)
    leaves = as_leaves(inputs)
    y = called(layer, leaves)
    if any(isinstance(t, tm.Tensor) for t in leaves):
        y.backward(g)
    else:
        assert not y.requires_grad
    assert all(p.grad is None for p in layer.parameters())
    assert layer.num_parameters(trainable_only=True) == 0


@each_case(3)
def test_state_round_trip_is_exact(name, seed):
    layer, inputs, _ = built(name, seed, np.float32)
    other, _, _ = CASES[name](np.random.default_rng(seed))
    file = io.BytesIO()
    np.savez(file, **layer.state_dict())
    file.seek(0)
    with np.load(file, allow_pickle=False) as loaded:
        assert other.load_state_dict(dict(loaded)) == ([], [])
    for key, array in layer.state_dict().items():
        assert array.dtype == other.state_dict()[key].dtype
        np.testing.assert_array_equal(array, other.state_dict()[key])
    np.testing.assert_array_equal(called(layer.eval(), inputs).data, called(other.eval(), inputs).data)


@each_case(3)
def test_state_is_a_copy(name, seed):
    layer, _, _ = built(name, seed)
    before = {key: array.copy() for key, array in layer.state_dict().items()}
    for array in layer.state_dict().values():
        array[...] = 0
    for key, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, before[key])


@each_case(3)
def test_evaluation_is_deterministic_and_training_resumes(name, seed):
    layer, inputs, _ = built(name, seed)
    layer.eval()
    assert not any(m.training for m in layer.modules())
    noise, state = layer.rng_state(), layer.state_dict()
    np.testing.assert_array_equal(called(layer, inputs).data, called(layer, inputs).data)
    assert layer.rng_state() == noise
    for key, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, state[key])
    layer.train()
    assert all(m.training for m in layer.modules())
    first = called(layer, inputs).data
    layer.load_rng_state(noise)
    layer.load_state_dict(state)
    np.testing.assert_array_equal(called(layer, inputs).data, first)


@each_case(2)
def test_debug_mode_finds_nothing(name, seed):
    layer, inputs, shape = built(name, seed)
    with tm.debug():
        y = called(layer, as_leaves(inputs))
        if y.requires_grad:
            y.backward(np.ones(shape))


@each_case(2)
def test_a_deep_copy_is_independent(name, seed):
    layer, inputs, shape = built(name, seed)
    twin = copy.deepcopy(layer)
    np.testing.assert_array_equal(called(twin, inputs).data, called(layer, inputs).data)
    for p in twin.parameters():
        p.data[...] = 0
        assert p.grad is None
    for (key, p), q in zip(layer.named_parameters(), twin.parameters()):
        assert p is not q and np.any(p.data), key
    y = called(twin, as_leaves(inputs))
    if y.requires_grad:
        y.backward(np.ones(shape))
    assert all(p.grad is None for p in layer.parameters())


@each_case(2)
def test_shows_itself(name, seed):
    layer, inputs, shape = built(name, seed)
    assert repr(layer).startswith(type(layer).__name__ + "(")
    assert layer._repr_html_().count("<details") == len(list(layer.modules()))
    table = nn.summary(layer, *inputs)
    assert table.parameters == layer.num_parameters() and str(shape) in repr(table)
    assert layer.training


@pytest.mark.parametrize("name", sorted(n for n, c in LAYERS.items() if "rng" in inspect.signature(c).parameters))
def test_randomness_needs_a_generator(name):
    required = [p for p in inspect.signature(LAYERS[name]).parameters.values()
                if p.default is p.empty and p.name != "rng"]
    with pytest.raises(TypeError, match="rng"):
        LAYERS[name](*[2] * len(required))
    with pytest.raises(ValueError, match=r"rng: needs a numpy\.random\.Generator .*got int"):
        LAYERS[name](*[2] * len(required) or [0.5], rng=7)
