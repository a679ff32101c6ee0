"""A question that meets each frame by itself, and a recurrence over what came of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm import fusion, nn
from tinymm.encoders import BagOfWords, ConvEncoder, Encoded, VideoRegions
from tinymm.fusion import FusedClassifier, FusedOverTime
from tinymm.fusion.fused import as_vector
from tinymm.testing import check_directional

T, N, D, P = 4, 4, 4, 16  # frames; regions of a frame, and their width; width of a frame's pooled vector
FUSIONS = {
    "vectors": lambda rng: fusion.ConcatenationFusion({"text": 6, "video": P}, 5, rng=rng),
    "sequences": lambda rng: fusion.AttentionFusion({"text": 6, "video": D}, 4, rng=rng),
    "streams": lambda rng: fusion.IntermediateFusion({"text": 6, "video": D}, 4, 1, (0,), 2, 5, rng=rng),
    "decisions": lambda rng: fusion.StackedDecisions({"text": 2, "video": 2}, rng=rng),
}
every_kind = pytest.mark.parametrize("kind", FUSIONS)
FRAME_BY_FRAME = [kind for kind in FUSIONS if kind != "decisions"]
every_kind_of_frames = pytest.mark.parametrize("kind", FRAME_BY_FRAME)


def made(kind, rng, classifier=FusedOverTime, **options):
    """In float64, every parameter away from its default, in evaluation mode."""
    frame = ConvEncoder(((2,), (D,)), 4, channels=6, glance=2, rng=rng)
    encoders = {"text": BagOfWords(10, 6, rng=rng), "video": VideoRegions(frame, frames=T)}
    model = classifier(encoders, FUSIONS[kind](rng), 2, 0.1, **options, rng=rng).to(np.float64).eval()
    for parameter in model.parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape) * 0.5
    return model


def drawn(rng, batch=3):
    """(inputs, masks): of questions and clips, some frames of which are hidden, but not all of any."""
    questions, clips = rng.integers(0, 10, (batch, 3)), rng.standard_normal((batch, T, 2, 4, 4))
    words, frames = rng.random((batch, 3)) < 0.7, rng.random((batch, T)) < 0.6
    words[:, 0] = frames[np.arange(batch), rng.integers(T, size=batch)] = True
    return (questions, clips), (words, frames)


def frame_by_frame(model, encoded, is_real, present):
    """The definition: logits, and the fused vectors by (clip, frame). The last clip's regions are N a frame."""
    text, clips = encoded
    logits, vectors = [], {}
    for b in range(len(is_real)):
        question = Encoded(text.sequence[b:b + 1], text.pooled[b:b + 1], text.mask[b:b + 1])
        state, states = None, []
        for t in np.flatnonzero(is_real[b]):
            frame = Encoded(clips.sequence[b:b + 1, N * t:N * (t + 1)], clips.pooled[b:b + 1, P * t:P * (t + 1)], None)
            vectors[b, t] = as_vector(model.fuse([question, frame], None if present is None else present[b:b + 1]))
            _, state = model.recurrence(model.norm(vectors[b, t])[:, None], state)
            states.append(state[-1])
        logits.append(model.scores(sum(states) / len(states)))
    return F.concatenate(logits, 0), vectors


class _Logits(nn.Module):
    def __init__(self, model, *arguments):
        self.model = model
        self.arguments = arguments

    def forward(self, clips):
        (questions, _), *others = self.arguments
        return self.model((questions, clips), *others)[0]


@every_kind
@pytest.mark.parametrize("masked", [False, True])
def test_gradients_of_clips_and_all_parameters(kind, masked, rng):
    model = made(kind, rng, states=3)
    (questions, clips), masks = drawn(rng)
    assert check_directional(_Logits(model, (questions, clips), masks if masked else (masks[0], None)), [clips], rng)


@given(st.integers(0, 2**32), st.sampled_from(FRAME_BY_FRAME), st.booleans(), st.booleans())
def test_it_is_the_fusion_of_each_frame_and_then_a_recurrence(seed, kind, masked, partly):
    rng = np.random.default_rng(seed)
    model = made(kind, rng, states=3)
    inputs, (words, frames) = drawn(rng)
    if not masked:
        frames = np.ones_like(frames)
    present = np.array([[True, False], [False, True], [True, True]]) if partly else None
    masks = words, frames if masked else None
    logits, fused = model(inputs, masks, present)
    expected, vectors = frame_by_frame(model, model.encode(inputs, masks), frames, present)
    np.testing.assert_allclose(logits.data, expected.data, rtol=1e-9, atol=1e-11)
    found = as_vector(fused).data.reshape(3, T, -1)                      # the frames of the first clip in turn
    for (b, t), vector in vectors.items():
        np.testing.assert_allclose(found[b, t], vector.data[0], rtol=1e-9, atol=1e-11)


@every_kind
@pytest.mark.parametrize("value", [7.0, np.nan, np.inf, 1e308])
def test_hidden_frames_change_nothing_and_get_no_gradient(kind, value, rng):
    """Not one bit, in training mode, where batch statistics are taken."""
    (questions, clips), masks = drawn(rng)
    found = []
    for hidden in (0.0, value):
        model = made(kind, np.random.default_rng(1)).train()
        shown = tm.tensor(np.where(masks[1][..., None, None, None], clips, hidden), requires_grad=True)
        logits, _ = model((questions, shown), masks)
        leaves = [shown, *model.parameters()]
        pulled = [np.zeros(x.shape) if g is None else g.data
                  for x, g in zip(leaves, tm.grad(F.sum(logits ** 2), leaves, allow_unused=True))]
        assert not pulled[0][~masks[1]].any() and pulled[0][masks[1]].any()
        found.append([logits.data, *pulled])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@every_kind_of_frames
def test_what_an_encoder_says_of_hidden_frames_does_not_count(kind, rng):
    """Whatever features stand there, neither the recurrence nor the mean over time has them."""
    model = made(kind, rng)
    inputs, masks = drawn(rng)
    text, clips = model.encode(inputs, masks)
    found = []
    for value in (0.0, 7.0):
        sequence = tm.tensor(np.where(clips.mask[..., None], clips.sequence.data, value), requires_grad=True)
        pooled = tm.tensor(np.where(np.repeat(masks[1], P, 1), clips.pooled.data, value), requires_grad=True)
        logits, _ = model.decide([text, Encoded(sequence, pooled, clips.mask)])
        own, hidden = (pooled, ~np.repeat(masks[1], P, 1)) if kind == "vectors" else (sequence, ~clips.mask)
        (g,) = tm.grad(F.sum(logits ** 2), [own])
        assert not g.data[hidden].any() and g.data[~hidden].any()
        found.append((logits.data, g.data))
    for one, other in zip(*found):
        np.testing.assert_array_equal(one, other)


@every_kind
def test_a_mask_that_hides_nothing_changes_nothing(kind, rng):
    model = made(kind, rng)
    inputs, (words, frames) = drawn(rng)
    with_mask = model(inputs, (words, np.ones_like(frames)))[0]
    np.testing.assert_allclose(model(inputs, (words, None))[0].data, with_mask.data, rtol=1e-10, atol=1e-12)


@every_kind
def test_a_clip_without_a_real_frame_gives_finite_answers_and_gradients(kind, rng):
    model = made(kind, rng)
    inputs, (words, frames) = drawn(rng)
    frames[1] = False
    logits, _ = model(inputs, (words, frames))
    pulled = tm.grad(F.sum(logits ** 2), list(model.parameters()), allow_unused=True)
    assert np.isfinite(logits.data).all() and all(np.isfinite(g.data).all() for g in pulled if g is not None)
    if kind != "decisions":
        np.testing.assert_array_equal(logits.data[1], model.scores.bias.data)


@every_kind
def test_several_questions_about_a_clip(kind, rng):
    """K · B questions with B clips are as many with each clip K times: logits, and gradients of all parameters."""
    model = made(kind, rng)
    (_, clips), (_, frames) = drawn(rng, 2)
    (questions, _), (words, _) = drawn(rng, 6)
    found = []
    for shown, real, times in ((clips, frames, (1, 3)), (np.repeat(clips, 3, 0), np.repeat(frames, 3, 0), None)):
        logits, fused = model((questions, shown), (words, real), times=times)
        assert logits.shape == (6, 2)
        g = tm.grad(F.sum(logits ** 2), list(model.parameters()), allow_unused=True)
        found.append([logits.data, *(x.data for x in g if x is not None)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)


@every_kind_of_frames
def test_a_later_frame_does_not_change_what_was_fused_before(kind, rng):
    """A frame is seen by those beside it, and by no other."""
    model = made(kind, rng)
    (questions, clips), (words, _) = drawn(rng)
    changed = clips.copy()
    changed[:, 3] += 1.0
    before, after = (as_vector(model((questions, shown), (words, None))[1]).data.reshape(3, T, -1)
                     for shown in (clips, changed))
    np.testing.assert_array_equal(before[:, :2], after[:, :2])
    assert (np.abs(before - after)[:, 2:].max(-1) > 1e-9).all()


@every_kind_of_frames
def test_the_order_of_frames_matters(kind, rng):
    """The same encoded frames in the reverse order give another answer."""
    model = made(kind, rng)
    inputs, (words, _) = drawn(rng)
    text, clips = model.encode(inputs, (words, None))
    turned = Encoded(F.reshape(F.reshape(clips.sequence, (3, T, -1))[:, ::-1], clips.sequence.shape),
                     F.reshape(F.reshape(clips.pooled, (3, T, -1))[:, ::-1], clips.pooled.shape), None)
    logits, other = (model.decide([text, each])[0].data for each in (clips, turned))
    assert np.abs(logits - other).max() > 1e-6


def test_decisions_are_about_the_whole_clip(rng):
    over_time, plain = made("decisions", rng), made("decisions", rng, FusedClassifier)
    plain.load_state_dict(over_time.state_dict())
    inputs, masks = drawn(rng)
    np.testing.assert_array_equal(over_time(inputs, masks)[0].data, plain(inputs, masks)[0].data)
    assert not hasattr(over_time, "recurrence") and over_time.scores is None


@every_kind_of_frames
def test_what_is_absent_changes_nothing(kind, rng):
    model = made(kind, rng)
    (questions, clips), masks = drawn(rng)
    present = np.array([[True, False], [True, True], [True, True]])
    other = clips.copy()
    other[0] += 1.0
    one, two = (model((questions, shown), masks, present)[0].data for shown in (clips, other))
    np.testing.assert_array_equal(one, two)
    assert np.abs(model((questions, clips), masks)[0].data[0] - one[0]).max() > 1e-6


def test_states_are_as_wide_as_one_says(rng):
    model = made("vectors", rng, states=7)
    assert model.scores.weight.shape == (2, 7) and model.recurrence.num_parameters() == 3 * 7 * (5 + 7 + 2)
    assert made("streams", rng).norm.weight.shape == (8,)


def test_an_encoder_without_frames_is_refused_by_name(rng):
    words = {name: BagOfWords(10, 6, rng=rng) for name in ("text", "video")}
    with pytest.raises(ValueError, match="FusedOverTime: the last encoder must have frames, as VideoRegions has; "
                                         "got video, BagOfWords"):
        FusedOverTime(words, FUSIONS["sequences"](rng), 2, rng=rng)
