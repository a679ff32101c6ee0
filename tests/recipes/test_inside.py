"""What a report says of a model's inside: maps laid over pictures, shares, and encoders that are starved or not."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm.encoders import Encoded
from tinymm.recipes.shared.answering import Examples
from tinymm.recipes.shared.inside import Picture, Sentence, add_gates, add_learning, add_maps
from tinymm.viz import Report


@given(st.integers(1, 7), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(0, 99))
def test_weights_lie_over_the_places_they_are_of(frames, h, w, count, seed):
    """Of a clip over the frame, wherever that stands in the picture: a picture of the weights is the map of them."""
    rng = np.random.default_rng(seed)
    weights = rng.random((count, frames * h * w)) + 0.01
    for k, own in enumerate(weights):
        clip = np.repeat(own.reshape(frames, 1, h, w), 3, 1)
        view = Picture(clip, (frames, h, w))
        laid = view.laid_out(weights)[k] * own.sum()
        assert laid.shape == view.image.shape[1:] and np.count_nonzero(laid) == frames * h * w
        np.testing.assert_allclose(laid[laid > 0], view.image[0][laid > 0])
    picture = Picture(np.repeat(weights[0].reshape(1, frames * h, w), 3, 0), (frames * h, w))
    np.testing.assert_allclose(picture.laid_out(weights)[0] * weights[0].sum(), picture.image[0])
    np.testing.assert_allclose(Picture(picture.pixels).laid_out(weights)[0, 0] * weights[0].sum(), weights[0])


def test_without_any_weight_a_map_is_even_and_a_wrong_grid_is_refused():
    picture = Picture(np.zeros((3, 8, 8)), (2, 2))
    assert (picture.laid_out(np.zeros((1, 4))) == 0.25).all()
    with pytest.raises(ValueError, match=r"Picture: a grid \(2, 2\) has 4 places; got weights of 5"):
        picture.laid_out(np.ones((1, 5)))


class Reader(tm.nn.Module):
    """An encoder that keeps the first `kept` of the features it reads, and blurs them."""

    def __init__(self, kept, blur=0.0):
        self.kept, self.blur = kept, blur

    def forward(self, x, mask=None):
        blurred = x + self.blur * np.sin(1e4 * x)                        # as good as noise, and always the same
        y = tm.tensor(np.where(np.arange(x.shape[1]) < self.kept, blurred, 0).astype(np.float32))
        return Encoded(y[:, None], y, None)


def learning(kept, blur=0.0, controls=True):
    """The report and the metrics where the fused model's "image" encoder keeps so many of the features that tell."""
    rng = np.random.default_rng(0)
    parts = {}
    for part in ("train", "test"):
        labels = rng.integers(3, size=200)
        x = np.eye(4, dtype=np.float32)[labels] + 0.4 * rng.standard_normal((200, 4)).astype(np.float32)
        parts[part] = Examples(lambda rows, _, x=x: ((x[rows], x[rows]), (None, None)), labels)
    rows = [{"kind": "step", "step": k, "train/gradient/text": 1.0, "train/gradient/image": 1 / k} for k in range(1, 9)]
    run = SimpleNamespace(trainer=SimpleNamespace(log=SimpleNamespace(rows=rows)),
                          rng=lambda *key: np.random.default_rng(key))
    answered = SimpleNamespace(model=SimpleNamespace(encoders={"text": Reader(4), "image": Reader(kept, blur)}),
                               singles={name: SimpleNamespace(encoder=Reader(4)) for name in ("text", "image")}
                               if controls else {})
    report = Report("r")
    return add_learning(report, run, answered, parts), report.html()


def test_an_encoder_that_holds_less_than_one_trained_alone_is_called_starved():
    more, page = learning(kept=0)
    assert more["probe/image/accuracy"] < 0.5 < 0.8 < more["probe/image_only/accuracy"]
    assert more["probe/text/accuracy"] == more["probe/text_only/accuracy"]
    assert "The encoder of the image holds less" in page and "The encoder of the text" not in page
    more, page = learning(kept=4, blur=0.1)                              # a little less, as chance has it
    assert 0 < more["probe/image_only/accuracy"] - more["probe/image/accuracy"] < 0.05
    assert "holds less than it would" not in page and "No encoder holds less" in page


def test_without_controls_there_are_norms_and_no_probes():
    more, page = learning(kept=0, controls=False)
    assert more == {} and "last quarter" in page and "probe" not in page


def test_norms_of_gradients_are_one_chart_with_a_curve_for_each_modality():
    page = learning(kept=4)[1]
    assert page.count("<figcaption>norm of the encoder") == 1
    assert "text from 1 to 1, image from 1 to 0.125" in page
    assert "confidence, this modality alone" not in page                 # not logged without --modulate


def test_gates_are_told_by_mean_and_spread_over_examples():
    """A gate that is the same for all examples has no spread, and nothing to draw; one that follows them has."""
    rng = np.random.default_rng(0)
    encoders = {"text": Reader(4), "image": Reader(4)}
    for reader in encoders.values():
        reader.width = reader.pooled_width = 4
    gating = tm.fusion.GatingFusion({"text": 4, "image": 4}, 5, rng=rng)
    model = tm.fusion.FusedClassifier(encoders, gating, 3, rng=rng)
    x = rng.standard_normal((50, 4)).astype(np.float32)
    examples = Examples(lambda rows, _: ((x[rows], -x[rows]), (None, None)), np.zeros(50, int))
    for weight, drawn in ((0.0, 0), (3.0, 1)):
        gating.gate.weight.data[...] = 0.0
        gating.gate.weight.data[0, 0] = weight
        gating.gate.bias.data[...] = np.log([3.0, 1.0])
        report = Report("r")
        more = add_gates(report, model, examples)
        expected = 1 / (1 + np.exp(-(weight * x[:, 0] + np.log(3))))
        assert more["gate/text/mean"] == pytest.approx(expected.mean(), abs=1e-5)
        assert more["gate/text/mean"] + more["gate/image/mean"] == pytest.approx(1, abs=1e-5)
        page = report.html()
        assert page.count("gate: share of the numbers in each bin") == drawn


def test_what_scales_all_examples_alike_has_no_spread(monkeypatch):
    """However different the scales of its coordinates are."""
    rng = np.random.default_rng(0)
    encoders = {"text": Reader(4), "image": Reader(4)}
    for reader in encoders.values():
        reader.width = reader.pooled_width = 4
    film = tm.fusion.FiLMFusion({"text": 4, "image": 4}, 5, rng=rng)
    model = tm.fusion.FusedClassifier(encoders, film, 3, rng=rng)
    film.scale.weight.data[...] = 0.0
    film.scale.bias.data[...] = [-1.0, 0.0, 1.0, 2.0, 3.0]
    tables = []
    monkeypatch.setattr(Report, "table", lambda report, rows, headers, caption="": tables.append(rows))
    x = rng.standard_normal((50, 4)).astype(np.float32)
    add_gates(Report("r"), model, Examples(lambda rows, _: ((x[rows], x[rows]), (None, None)), np.zeros(50, int)))
    assert tables == [[["text scaled by image", 2.0, 0.0, 4.0, 0.0]]]


def fused_over_time(kind):
    """A model that fuses at each frame, an example of 4 words and 3 frames of 2 × 2 regions, and a view of it."""
    rng = np.random.default_rng(0)
    frame = tm.encoders.ConvEncoder(((4,), (8,)), 4, channels=9, glance=1, rng=rng)
    encoders = {"text": tm.encoders.BagOfWords(10, 8, rng=rng), "video": tm.encoders.VideoRegions(frame, frames=3)}
    model = tm.fusion.FusedOverTime(encoders, kind({"text": 8, "video": 8}, 4, rng=rng), 3, states=6, rng=rng)
    clip = rng.random((1, 3, 3, 4, 4), dtype=np.float32)
    examples = Examples(lambda rows, _: ((np.array([[4, 5, 6, 7]]), clip), (None, None)), np.zeros(1, int))
    grid = 3, *encoders["video"].grid
    return model, examples, {"text": Sentence(list("abcd")), "video": Picture(clip[0], grid)}, clip


def test_what_is_fused_at_each_frame_is_one_map_of_the_clip(monkeypatch):
    model, examples, view, clip = fused_over_time(lambda widths, width, rng: tm.fusion.CoAttentionBlock(
        widths, width, heads=2, rng=rng))
    told = {}
    monkeypatch.setattr(Report, "attention", lambda report, image, words, maps, caption="": told.update(maps=maps))
    monkeypatch.setattr(Report, "strip", lambda report, lines, caption="": told.update(lines=lines))
    add_maps(Report("r"), model, examples, lambda i: ("t", view))
    _, fused = model((np.array([[4, 5, 6, 7]]), clip))
    to_clip, to_text = (weights.data.mean(1) for weights in fused.weights)            # (3, 4, N), (3, N, 4)
    np.testing.assert_allclose(told["maps"], view["video"].laid_out(np.concatenate(list(to_clip), 1)), rtol=1e-5)
    (_, words, shares), = told["lines"]
    assert words == list("abcd")
    np.testing.assert_allclose(shares, to_text.mean((0, 1)), rtol=1e-5)


def test_each_learned_query_is_shown_by_itself(monkeypatch):
    model, examples, view, clip = fused_over_time(lambda widths, width, rng: tm.fusion.GlimpseFusion(
        widths, width, glimpses=2, size=4, rng=rng))
    told = {}
    monkeypatch.setattr(Report, "attention", lambda report, image, words, maps, caption="": told.update(seen=words))
    monkeypatch.setattr(Report, "strip", lambda report, lines, caption="": told.update(lines=lines))
    add_maps(Report("r"), model, examples, lambda i: ("t", view))
    _, fused = model((np.array([[4, 5, 6, 7]]), clip))
    assert told["seen"] == [title for title, _, _ in told["lines"]] == ["query 1", "query 2"]
    np.testing.assert_allclose([shares for _, _, shares in told["lines"]], fused.weights[0].data.mean(0), rtol=1e-5)


def test_gates_of_frames_belong_to_their_clip():
    model, examples, _, clip = fused_over_time(tm.fusion.GatingFusion)
    model.fusion.gate.weight.data[...] *= 5
    _, fused = model.eval()((np.array([[4, 5, 6, 7]]), clip))
    more = add_gates(Report("r"), model, examples)
    assert more["gate/video/mean"] == pytest.approx(fused.weights.data[:, 1].mean(), rel=1e-5)
