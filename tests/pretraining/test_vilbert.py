"""ViLBERT: its block against the reference implementation, its order, its objectives, what is hidden."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import tinymm as tm
from tinymm import nn
from tinymm.data.regions import region_locations, with_whole_picture
from tinymm.fusion import CoAttentionBlock
from tinymm.nn.inspect import observe
from tinymm.pretraining import ImageTextPreTraining, SingleStream, Vilbert, region_loss, schedule

from . import record


class LxmertBlock(nn.Module):
    """Both directions by one attention, from the streams as they came; then a layer of its own for each."""

    def __init__(self, rng):
        self.cross = CoAttentionBlock({"text": 8, "image": 8}, 8, 2, (12, 12), rng=rng)
        self.text, self.image = (nn.TransformerEncoderLayer(8, 2, 12, 0.0, "gelu", 1e-12, rng=rng) for _ in range(2))

    def forward(self, x, y, masks):
        (attend, _), (norm, _) = self.cross.attentions, self.cross.attention_norms
        x, y = norm(x + attend(x, y, masks[1])[0]), norm(y + attend(y, x, masks[0])[0])
        return self.text(x, src_key_padding_mask=masks[0]), self.image(y, src_key_padding_mask=masks[1])


LXMERT_NAMES = {
    f"cross.attentions.0.{own}": f"visual_attention.{public}"
    for own, public in (("query", "att.query"), ("key", "att.key"), ("value", "att.value"), ("out", "output.dense"))
} | {"cross.attention_norms.0": "visual_attention.output.LayerNorm"} | {
    f"{stream}.{own}": f"{public}{part}"
    for stream, public in (("text", "lang"), ("image", "visn"))
    for own, part in (("self_attn.out_proj", "_self_att.output.dense"), ("norm1", "_self_att.output.LayerNorm"),
                      ("linear1", "_inter.dense"), ("linear2", "_output.dense"), ("norm2", "_output.LayerNorm"))}


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 1e-5)])
def test_the_parts_compose_the_block_of_lxmert(dtype, tolerance):
    arrays, state = record.load("lxmert")
    block = LxmertBlock(np.random.default_rng(0)).eval()
    used = set()
    for own, parameter in block.named_parameters():
        module, _, kind = own.rpartition(".")
        if kind.startswith("in_proj"):
            prefix = {"text": "lang", "image": "visn"}[own.partition(".")[0]]
            names = [f"{prefix}_self_att.self.{part}.{kind.removeprefix('in_proj_')}"
                     for part in ("query", "key", "value")]
        elif module in LXMERT_NAMES:
            names = [f"{LXMERT_NAMES[module]}.{kind}"]
        else:
            assert re.match(r"cross\.(attentions\.1|attention_norms\.1|feedforward)", own), own  # not part of LXMERT's
            continue
        used.update(names)
        parameter.data = np.concatenate([state[name] for name in names]).astype(dtype)
    assert set(state) - used == {"visual_attention.att.key.bias"}        # the softmax does not see it
    x, y = (tm.tensor(arrays[name].astype(dtype), requires_grad=True) for name in ("text", "image"))
    masks = arrays["text_mask"], arrays["image_mask"]
    found = block(x, y, masks)
    for ours, name, mask in zip(found, ("text_after", "image_after"), masks):
        np.testing.assert_allclose(ours.data[mask], arrays[name][mask], rtol=tolerance, atol=tolerance)
    gradients = tm.grad(list(found), [x, y],
                        [arrays[name].astype(dtype) for name in ("text_cotangent", "image_cotangent")])
    for ours, name, mask in zip(gradients, ("text_gradient", "image_gradient"), masks):
        expected = arrays[name][mask]
        np.testing.assert_allclose(np.asarray(ours)[mask], expected, rtol=tolerance,
                                   atol=tolerance * np.abs(expected).max())


def two_streams(rng, text=3, image=2, blocks=2, dropout=0.0):
    return Vilbert(20, 5, {"width": 8, "layers": text, "heads": 2, "feedforward": 12},
                   {"width": 4, "layers": image, "heads": 2, "feedforward": 6},
                   {"width": 6, "layers": blocks, "heads": 2}, 12, dropout, rng=rng)


def one_stream(rng, dropout=0.0):
    stream = {"width": 8, "layers": 2, "heads": 2, "feedforward": 12}
    return SingleStream(20, 5, stream, 12, dropout, rng=rng)


ENCODERS = {"two streams": two_streams, "one stream": one_stream}


def pair(rng, dtype=np.float32):
    """ids, features, locations, masks of two texts and pictures, the second shorter."""
    ids = rng.integers(4, 20, (2, 5))
    corners = np.sort(rng.random((2, 4, 2, 2)), 2)
    boxes = corners.reshape(2, 4, 4)
    masks = np.arange(5) < np.array([[5], [3]]), np.arange(4) < np.array([[4], [2]])
    return ids, rng.normal(size=(2, 4, 5)).astype(dtype), region_locations(boxes, masks[1]), masks


def test_the_order_of_the_paper():
    """Six text layers, then blocks, each followed by one layer of either stream: seen while the model runs."""
    model = Vilbert(20, 5, {"width": 4, "layers": 12, "heads": 2, "feedforward": 8},
                    {"width": 4, "layers": 6, "heads": 2, "feedforward": 4}, {"width": 4, "layers": 6, "heads": 2},
                    rng=np.random.default_rng(0)).eval()
    seen, sources = [], {}

    def watch(name, layer, inputs, output):
        if re.fullmatch(r"(text|image|connection)\.\d+", name):
            seen.append(name)
        if re.fullmatch(r"connection\.\d+\.attentions\.\d", name):
            sources.setdefault(name.rpartition(".")[2], set()).add((inputs[0].shape[1], inputs[1].shape[1]))

    with observe(model, watch):
        model(np.full((1, 5), 6), np.ones((1, 3, 5), np.float32), np.zeros((1, 3, 5), np.float32))
    expected = [f"text.{i}" for i in range(6)]
    for i in range(6):
        expected += [f"connection.{i}", f"image.{i}", f"text.{6 + i}"]
    assert seen == expected
    assert sources == {"0": {(5, 3)}, "1": {(3, 5)}}                     # words ask regions; regions ask words


def test_who_depends_on_whom():
    """Before the first block a stream knows nothing of the other; after it, everything."""
    rng = np.random.default_rng(0)
    model = two_streams(rng, text=2, image=1, blocks=1).eval()
    ids, features, locations, _ = pair(rng)
    found = {}

    def keep(name, layer, inputs, output):
        found[name] = output

    x = tm.tensor(features, requires_grad=True)
    with observe(model, keep):
        streams = model(ids, x, locations)
    cotangent = rng.normal(size=ids.shape + (8,)).astype(np.float32)
    before, = tm.grad([found["text.0"]], [x], [cotangent], allow_unused=True)
    assert before is None
    after, = tm.grad([streams.text.sequence], [x], [cotangent])
    assert (np.asarray(after) != 0).any(-1).all()


@pytest.mark.parametrize("make", ENCODERS.values(), ids=ENCODERS)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_is_hidden_has_no_influence(make, seed):
    rng = np.random.default_rng(seed)
    model = make(rng).eval()
    ids, features, locations, masks = pair(rng)
    other = ids.copy(), features.copy(), locations
    other[0][~masks[0]] = rng.integers(0, 20, (~masks[0]).sum())
    other[1][~masks[1]] = np.nan
    x = tm.tensor(other[1], requires_grad=True)
    first, second = model(ids, features, locations, masks), model(other[0], x, other[2], masks)
    for a, b in zip(first[:2], second[:2]):
        np.testing.assert_array_equal(a.sequence.data, b.sequence.data)
        np.testing.assert_array_equal(a.pooled.data, b.pooled.data)
    assert (second.text.sequence.data[~masks[0]] == 0).all() and (second.image.sequence.data[~masks[1]] == 0).all()
    cotangents = [rng.normal(size=part.sequence.shape).astype(np.float32) for part in second[:2]]
    gradient, = tm.grad([part.sequence for part in second[:2]], [x], cotangents)
    assert (np.asarray(gradient)[~masks[1]] == 0).all()
    assert (np.asarray(gradient)[masks[1]] != 0).any()


@pytest.mark.parametrize("make", ENCODERS.values(), ids=ENCODERS)
def test_every_parameter_learns_from_the_three_objectives(make):
    rng = np.random.default_rng(0)
    model = ImageTextPreTraining(make(rng), 3, 0.0, rng=rng)
    for name, parameter in model.named_parameters():
        parameter.data = parameter.data + 0.1 * rng.normal(size=parameter.shape).astype(np.float32)
        if name.endswith("pooler.bias"):
            parameter.data += 1                                          # else a ReLU may let nothing through
    ids, features, locations, masks = pair(rng)
    q = rng.dirichlet(np.ones(3), (2, 4))
    labels = np.where(rng.random(ids.shape) < 0.5, ids, -100)
    loss = model.loss(model.encoder(ids, features, locations, masks), labels, q, masks[1], np.array([0, 1]))
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and np.abs(parameter.grad).max() > 0, name


@given(st.integers(0, 2**32 - 1))
def test_region_loss_is_the_divergence_at_chosen_regions(seed):
    rng = np.random.default_rng(seed)
    features = tm.tensor(rng.normal(size=(2, 4, 3)), requires_grad=True)
    q = rng.dirichlet(np.full(3, 0.3), (2, 4))
    q[0, 0] = [1, 0, 0]
    chosen = rng.random((2, 4)) < 0.5
    chosen[0, 0] = True
    loss = region_loss(lambda x: x, features, q, chosen)
    p = np.exp(features.data) / np.exp(features.data).sum(-1, keepdims=True)
    expected = np.mean([stats.entropy(q[i, j], p[i, j]) for i, j in np.argwhere(chosen)])
    np.testing.assert_allclose(float(loss.data), expected, rtol=1e-10, atol=1e-12)
    loss.backward()
    assert (features.grad[~chosen] == 0).all()


def test_refusals():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="region_loss: at least one region must be chosen"):
        region_loss(lambda x: x, np.zeros((1, 2, 3)), np.ones((1, 2, 3)), np.zeros((1, 2), bool))
    with pytest.raises(ValueError, match="ImageTextPreTraining: some objective must be asked for"):
        model = ImageTextPreTraining(one_stream(rng), 3, rng=rng)
        model.loss(model.encoder(*pair(rng)))
    with pytest.raises(ValueError, match="schedule: needs a block or more.*got 1 text layers"):
        schedule(1, 2, 2)


@pytest.mark.parametrize(("box", "rule"), [
    ([0.0, 0.0, 1.2, 1.0], r"must lie in \[0, 1\]"), ([-0.1, 0.0, 0.5, 1.0], r"must lie in \[0, 1\]"),
    ([0.5, 0.0, 0.5, 1.0], "must not be empty"), ([0.0, 0.8, 1.0, 0.2], "must not be empty"),
    ([0.0, np.nan, 1.0, 1.0], r"must lie in \[0, 1\]")])
def test_boxes_that_are_none(box, rule):
    boxes = np.array([[[0, 0, 1, 1], box]], float)
    with pytest.raises(ValueError, match=f"region_locations: a box, x1 y1 x2 y2, {rule}; got .* as region 1"):
        region_locations(boxes)
    assert (region_locations(boxes, np.array([[True, False]]))[0, 1] == 0).all()


@given(st.integers(0, 2**32 - 1))
def test_the_whole_picture_is_the_mean_of_its_regions(seed):
    rng = np.random.default_rng(seed)
    features, mask = rng.normal(size=(3, 4, 2)), rng.random((3, 4)) < 0.6
    mask[:, 0] = True
    found, locations, real = with_whole_picture(np.where(mask[..., None], features, np.nan), np.zeros((3, 4, 5)), mask)
    for i in range(3):
        np.testing.assert_allclose(found[i, 0], features[i, mask[i]].mean(0))
    assert (locations[:, 0] == [0, 0, 1, 1, 1]).all() and real[:, 0].all() and (real[:, 1:] == mask).all()
    assert not np.isnan(found).any()
