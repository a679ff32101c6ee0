"""Towers: unit vectors, each input by itself, padding without influence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymm.encoders import AudioRecurrent, ConvEncoder, TextRNN
from tinymm.mapping import Temperature, Tower, Towers


def towers(seed=0):
    rng = np.random.default_rng(seed)
    encoders = {"image": ConvEncoder([[4], [8]], 16, glance=2, rng=rng), "text": TextRNN(9, 8, 6, "gru", rng=rng),
                "speech": AudioRecurrent(10, 8, (2, 4), 1, rng=rng)}
    maps = {"image": (7, True), "text": (0, True), "speech": (7, False)}     # hidden, linear: each of the three forms
    made = {name: Tower(encoder, 5, *maps[name], rng=rng) for name, encoder in encoders.items()}
    return Towers(made, Temperature()).eval()


def inputs(rng, n=3, T=6):
    mask = np.arange(T) < rng.integers(1, T + 1, n)[:, None]
    return {"image": (rng.random((n, 3, 16, 16), np.float32),), "text": (rng.integers(4, 9, (n, T)), mask),
            "speech": (rng.standard_normal((n, T, 10)).astype(np.float32), mask)}


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_vectors_have_length_1_and_depend_on_their_own_input_alone(seed):
    model, rng = towers(seed % 3), np.random.default_rng(seed)
    for name, given_ in inputs(rng).items():
        z = model(name, *given_).data
        assert z.shape == (3, 5) and z.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, rtol=1e-5)
        alone = np.concatenate([model(name, *(x[i:i + 1] for x in given_)).data for i in range(3)])
        np.testing.assert_allclose(z, alone, atol=1e-5)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_what_a_mask_hides_may_be_anything(seed):
    model, rng = towers(), np.random.default_rng(seed)
    x, mask = inputs(rng)["speech"]
    hidden = np.where(mask[..., None], x, np.float32(np.nan))
    np.testing.assert_array_equal(model("speech", x, mask).data, model("speech", hidden, mask).data)


def test_each_tower_learns_from_its_own_modality():
    model, rng = towers(), np.random.default_rng(0)
    (model("text", *inputs(rng)["text"]) * rng.standard_normal((3, 5)).astype(np.float32)).sum().backward()
    touched = {name.split(".")[1] for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert touched == {"text"}


def test_an_unknown_modality_is_an_error():
    with pytest.raises(KeyError):
        towers()("smell", np.zeros((1, 2)))


def test_a_tower_projects_somehow():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="Tower: needs a hidden layer, a linear map, or both; got neither"):
        Tower(TextRNN(9, 8, 6, "gru", rng=rng), 5, hidden=0, linear=False, rng=rng)


def test_states_make_a_round_trip():
    one, other = towers(0), towers(1)
    other.load_state_dict(one.state_dict())
    x = inputs(np.random.default_rng(2))
    for name, given_ in x.items():
        np.testing.assert_array_equal(one(name, *given_).data, other(name, *given_).data)


@pytest.mark.parametrize("hidden, linear", [(0, True), (7, True), (7, False)])
def test_what_is_pooled_goes_through_a_linear_map_a_hidden_layer_or_both(hidden, linear):
    """The docstring's formula, with the tower's own weights; nothing is dropped unless it is asked for."""
    rng = np.random.default_rng(0)
    encoder = TextRNN(9, 8, 6, "gru", rng=rng)
    tower = Tower(encoder, 5, hidden, linear, rng=rng)                       # in training mode
    ids = rng.integers(4, 9, (3, 6))
    y, z = encoder(ids).pooled.data, 0
    if linear:
        z = z + y @ tower.maps[0].weight.data.T + tower.maps[0].bias.data
    if hidden:
        inner, _, outer = tower.maps[-1]
        assert inner.weight.shape == (hidden, 8)
        z = z + np.maximum(y @ inner.weight.data.T + inner.bias.data, 0) @ outer.weight.data.T + outer.bias.data
    assert len(tower.maps) == linear + bool(hidden)
    np.testing.assert_allclose(tower(ids).data, z / np.linalg.norm(z, axis=1, keepdims=True), rtol=1e-4, atol=1e-6)


def test_by_default_a_linear_map_alone():
    tower = Tower(TextRNN(9, 8, 6, "gru", rng=np.random.default_rng(0)), 5, rng=np.random.default_rng(0))
    assert len(tower.maps) == 1 and tower.dropout.p == 0
    assert tower.num_parameters() == tower.encoder.num_parameters() + 8 * 5 + 5


def test_towers_keep_the_scale_that_they_are_given():
    scale = Temperature(0.5)
    assert Towers({}, scale).scale is scale
