"""What a Module finds among its attributes, and what it says when something does not fit."""

import copy
import io

import numpy as np
import pytest

import tinymm as tm
from tinymm import nn


class Tied(nn.Module):
    """An embedding whose table is also the output layer's weight."""

    def __init__(self, rng):
        self.embed = nn.Embedding(5, 3, rng=rng)
        self.hidden = nn.Linear(3, 3, rng=rng)
        self.decode = nn.Linear(3, 5, rng=rng)
        self.decode.weight = self.embed.weight
        self.register_buffer("count", np.zeros((), np.int64))
        self.gain = nn.Parameter(np.ones(3, np.float32))

    def forward(self, ids):
        return self.decode(self.gain * self.hidden(self.embed(ids)))


@pytest.fixture
def tied(rng):
    return Tied(rng)


def test_parameters_are_found_in_order_and_shared_ones_once(tied):
    assert [name for name, _ in tied.named_parameters()] == [
        "gain", "embed.weight", "hidden.weight", "hidden.bias", "decode.bias"]
    assert tied.num_parameters() == 3 + 15 + 9 + 3 + 5
    assert [name for name, _ in tied.named_modules()] == ["", "embed", "hidden", "decode"]
    assert [name for name, _ in tied.named_children()] == ["embed", "hidden", "decode"]
    assert [name for name, _ in tied.named_buffers()] == ["count"]
    assert len(list(tied.buffers())) == 1 and len(list(tied.children())) == 3


def test_a_shared_parameter_gets_both_gradients_and_both_names_in_the_state(tied):
    state = tied.state_dict()
    assert list(state) == ["gain", "count", "embed.weight", "hidden.weight", "hidden.bias", "decode.weight",
                           "decode.bias"]
    state["embed.weight"] = state["decode.weight"] = np.full((5, 3), 2.0)
    tied.load_state_dict(state)
    assert tied.embed.weight is tied.decode.weight and (tied.embed.weight.data == 2).all()
    tied(np.array([[1]])).backward(np.ones((1, 1, 5)))
    assert np.any(tied.embed.weight.grad[0])  # row 0 was never looked up: its gradient comes from the decoder


def test_assigning_and_deleting_is_plain_python(rng):
    layer = nn.Linear(2, 3, rng=rng)
    layer.bias = None
    assert list(layer.state_dict()) == ["weight"]
    layer.extra = nn.Parameter(np.zeros(1))
    assert "extra" in dict(layer.named_parameters())
    del layer.extra
    assert list(layer.state_dict()) == ["weight"]


@pytest.mark.parametrize("holder", [lambda layer: [layer], lambda layer: (layer,), lambda layer: {"a": layer.weight}])
def test_layers_hidden_in_a_list_are_an_error(rng, holder):
    class Hiding(nn.Module):
        def __init__(self):
            self.layers = []
    model = Hiding()
    model.layers = holder(nn.Linear(2, 2, rng=rng))
    with pytest.raises(ValueError, match=r"Hiding\.layers: layers and parameters inside a .* use nn\.ModuleList"):
        list(model.parameters())


def test_load_state_dict_names_everything_that_does_not_fit(tied):
    before = tied.state_dict()
    state = tied.state_dict()
    del state["hidden.bias"], state["count"]
    state["other"] = np.zeros(1)
    state["gain"] = np.zeros((3, 1))
    with pytest.raises(ValueError, match="does not fit Tied; "
                                         "wrong shapes: gain is \\(3,\\) here, \\(3, 1\\) in the state; "
                                         "missing keys: count, hidden.bias; unexpected keys: other"):
        tied.load_state_dict(state)
    with pytest.raises(ValueError, match="wrong shapes: gain"):
        tied.load_state_dict(state, strict=False)
    for key, array in tied.state_dict().items():
        np.testing.assert_array_equal(array, before[key])
    state["gain"] = np.zeros(3)
    assert tied.load_state_dict(state, strict=False) == (["count", "hidden.bias"], ["other"])
    assert not tied.gain.data.any()


def test_loading_writes_in_place_and_keeps_the_dtype(rng):
    layer = nn.Linear(2, 2, rng=rng)
    array = layer.weight.data
    layer.load_state_dict({"weight": np.ones((2, 2), np.float64), "bias": [1, 2]})
    assert layer.weight.data is array and array.dtype == np.float32 and layer.bias.data.tolist() == [1, 2]


def test_to_casts_floats_only_and_keeps_the_leaf(tied):
    assert tied.to(np.float64) is tied
    assert {p.dtype for p in tied.parameters()} == {np.dtype(np.float64)} and tied.count.dtype == np.int64
    y = tied(np.array([[1]]))
    y.backward(np.ones(y.shape))
    assert y.dtype == np.float64 and tied.gain.grad.dtype == np.float64
    assert tied.to(np.float32).gain.grad is None  # it would have the wrong dtype
    with pytest.raises(ValueError, match="to: a Module's parameters are floating-point; got int32"):
        tied.to(np.int32)


def test_freezing_a_part(tied):
    assert tied.hidden.requires_grad_(False) is tied.hidden
    tied(np.array([[1]])).backward(np.ones((1, 1, 5)))
    assert tied.hidden.weight.grad is None and tied.gain.grad is not None
    assert tied.num_parameters(trainable_only=True) == tied.num_parameters() - 12
    tied.zero_grad()
    assert all(p.grad is None for p in tied.parameters())
    assert tied.hidden.requires_grad_().weight.requires_grad


def test_generators_are_saved_once_each_and_restored(rng):
    other = np.random.default_rng(1)
    model = nn.Sequential(nn.Dropout(rng=rng), nn.Dropout(rng=rng), nn.Dropout(rng=other))
    states = model.rng_state()
    assert len(states) == 2
    x = tm.tensor(np.ones(50))
    first = model(x).data
    assert not np.array_equal(model(x).data, first)
    model.load_rng_state(states)
    np.testing.assert_array_equal(model(x).data, first)
    with pytest.raises(ValueError, match="keeps 2 distinct Generators; got 1 states"):
        model.load_rng_state(states[:1])


def test_errors_that_name_the_rule():
    class Empty(nn.Module):
        pass
    with pytest.raises(NotImplementedError, match="Empty: a Module needs a method `forward`"):
        Empty()(1)
    with pytest.raises(ValueError, match="register_buffer: 'a' must be an ndarray; got list"):
        Empty().register_buffer("a", [1])


def test_parameter():
    p = nn.Parameter([1, 2])
    assert p.dtype == np.float32 and p.requires_grad and p.is_leaf
    array = np.zeros(3)
    assert nn.Parameter(array).data is array
    assert not nn.Parameter(tm.tensor([1.0]), requires_grad=False).requires_grad
    assert not copy.deepcopy(nn.Parameter([1.0], requires_grad=False)).requires_grad
    twin = copy.deepcopy(p)
    assert twin.requires_grad and twin.data is not p.data


@pytest.mark.parametrize("padding_idx", [0, 1, 4, -1, -2])
def test_the_vector_of_padding_starts_at_zero(padding_idx, rng):
    table = nn.Embedding(5, 3, padding_idx=padding_idx, rng=rng).weight.data
    assert np.flatnonzero(~table.any(1)).tolist() == [padding_idx % 5]
    assert np.count_nonzero(table) == 12


def test_repr_is_an_indented_tree(rng):
    model = nn.Sequential(nn.Linear(2, 3, rng=rng), nn.ModuleList([nn.ReLU()]))
    assert repr(model).splitlines() == [
        "Sequential(",
        "  (0): Linear(in_features=2, out_features=3, bias=True)",
        "  (1): ModuleList(",
        "    (0): ReLU()",
        "  )",
        ")"]


def test_html_is_escaped_and_nested(rng):
    class Sly(nn.Module):
        def __init__(self):
            self.inner = nn.Linear(2, 3, rng=rng).requires_grad_(False)

        def extra_repr(self):
            return "<script>"
    html = Sly()._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert html.count("<details") == 2 and "(3, 2)" in html and "frozen" in html and "9 parameters" in html


def test_containers(rng):
    layers = nn.ModuleList([nn.ReLU()]).append(nn.Linear(2, 2, rng=rng))
    assert len(layers) == 2 and layers[-1] is list(layers)[1] and list(layers.state_dict()) == ["1.weight", "1.bias"]
    assert [type(m) for m in layers[:1]] == [nn.ReLU]
    with pytest.raises(ValueError, match="ModuleList: holds Modules only; got int"):
        layers.append(3)
    named = nn.ModuleDict({"text": nn.Linear(2, 2, rng=rng)})
    named["image"] = nn.Tanh()
    assert "text" in named and "sound" not in named and len(named) == 2 and list(named) == ["text", "image"]
    assert [name for name, _ in named.items()] == ["text", "image"] and "text.weight" in named.state_dict()
    for name in ("train", 3, "a.b"):
        with pytest.raises(ValueError, match="ModuleDict: needs a name without a dot that is not a method's"):
            named[name] = nn.Tanh()


def test_a_whole_model_survives_a_file(tied, rng):
    file = io.BytesIO()
    np.savez(file, **tied.state_dict())
    file.seek(0)
    fresh = Tied(rng)
    with np.load(file, allow_pickle=False) as arrays:
        fresh.load_state_dict(dict(arrays))
    ids = np.array([[0, 1, 4]])
    np.testing.assert_array_equal(fresh(ids).data, tied(ids).data)


@pytest.mark.parametrize("value", [np.ones(1) * 1j, np.array([None]), np.array(["a"]), np.array([b"1"]), [None], None,
                                   "a", np.ones(2), np.array(["2020-01-01"], "datetime64[D]")], ids=str)
@pytest.mark.parametrize("strict", [True, False])
def test_a_state_that_does_not_fit_changes_nothing(value, strict):
    layer = tm.nn.Linear(2, 1, rng=np.random.default_rng(0))
    before = layer.state_dict()
    with pytest.raises(ValueError, match="load_state_dict: the state does not fit Linear; wrong .*bias is"):
        layer.load_state_dict({"weight": np.ones((1, 2)), "bias": value}, strict)
    assert all((layer.state_dict()[name] == array).all() for name, array in before.items())


def test_a_state_of_another_width_is_cast():
    layer = tm.nn.BatchNorm1d(1)
    layer.load_state_dict({"weight": [2], "bias": np.ones(1, np.float16), "running_mean": np.zeros(1),
                           "running_var": np.array([True]), "num_batches_tracked": np.int32(3)})
    assert layer.weight.data.tolist() == [2] and layer.weight.dtype == np.float32 and layer.num_batches_tracked == 3
