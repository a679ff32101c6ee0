"""Fusions of sequences beyond the contract: what each is equal to, what its parts are for, what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm import fusion
from tinymm.encoders import CausalLSTM, ConvEncoder
from tinymm.fusion.blocks import AttentionStack
from tinymm.mapping import Captioner, next_word

from .cases import CASES, TWO, Subject, as_leaves, streams
from .test_contract import SEQUENCES

CAUSAL = [name for name in SEQUENCES if CASES[name].positions == "first" and Subject(name, 0).fusion.causal]


def first(features):
    return streams(features)[0].data


def copied(source, *targets):
    for target in targets:
        target.load_state_dict(source.state_dict())


# All of them ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", SEQUENCES)
@pytest.mark.parametrize("why", ["hidden", "absent"])
def test_with_nothing_to_see_all_is_finite(name, why):
    """An example of which no modality is there, or no position: no NaN, no gradient of its inputs."""
    subject = Subject(name, 0)
    masks, present = tuple(mask.copy() for mask in subject.masks), np.ones_like(subject.present)
    if why == "hidden":
        for mask in masks:
            mask[0] = False
    present[0] = why == "hidden"
    inputs = as_leaves(subject.inputs)
    fused = subject.fusion(inputs, masks, present)
    for x in (*streams(fused.features), *streams(fused.weights)):
        assert x is None or np.isfinite(x.data).all()
    loss = sum((x * np.random.default_rng(1).standard_normal(x.shape)).sum() for x in streams(fused.features))
    loss.backward()
    for x in inputs:
        assert np.isfinite(x.grad).all() and not x.grad[0].any() and x.grad[1:].any()
    learning = [p.grad for p in subject.fusion.parameters() if p.grad is not None]   # hard attention's scores do not
    assert all(np.isfinite(grad).all() for grad in learning)


@pytest.mark.parametrize("name", CAUSAL)
def test_a_causal_fusion_reads_a_prefix_as_it_reads_the_whole(name):
    """So a caption can be written word by word."""
    subject = Subject(name, 0)
    text, *others = subject.inputs
    whole = first(subject.fusion(subject.inputs, subject.masks).features)
    for t in range(1, text.shape[1]):
        masks = subject.masks[0][:, :t], *subject.masks[1:]
        found = first(subject.fusion((text[:, :t], *others), masks).features)
        np.testing.assert_allclose(found, whole[:, :t], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("make", [
    lambda rng: fusion.PrefixFusion({"text": 8, "image": 8}, 8, 2, 2, rng=rng),
    lambda rng: fusion.CausalCoAttention({"text": 8, "image": 8}, 8, 2, rng=rng),
    lambda rng: fusion.GatedCrossAttention({"text": 8, "image": 8}, 8, 2, rng=rng)])
def test_a_captioner_takes_the_causal_ones(make, rng):
    """Word by word it finds what it finds in one pass."""
    image = ConvEncoder(((4,), (8,)), 8, glance=2, rng=rng)
    captioner = Captioner(image, CausalLSTM(9, 8, context=image.pooled_width, rng=rng), make(rng), 9, rng=rng)
    captioner.to(np.float64).eval()
    images, ids = rng.random((2, 3, 8, 8)), np.array([[1, 4, 5, 6], [1, 7, 4, 2]])
    expected = captioner(images, ids)[0].data
    expected = expected - np.log(np.exp(expected).sum(-1, keepdims=True))
    step, state = next_word(captioner, images), None
    for t in range(ids.shape[1]):
        log_p, state = step(ids[:, t], np.arange(2), state)
        np.testing.assert_allclose(log_p, expected[:, t], rtol=1e-10)


@pytest.mark.parametrize("name", ["EarlyFusion", "PrefixFusion", "IntermediateFusion", "CoAttentionBlock", "MulTFusion",
                                  "BottleneckFusion", "QueryingTransformer"])
def test_dropout_is_for_training_only(name):
    subject, rng = Subject(name, 0), np.random.default_rng(0)
    expected = first(subject.fusion(subject.inputs).features)
    dropped = getattr(fusion, name)(TWO, **{**small(name), "dropout": 0.5}, rng=rng).to(np.float64)
    copied(subject.fusion, dropped)
    assert not np.allclose(first(dropped(subject.inputs).features), expected)
    np.testing.assert_array_equal(first(dropped.eval()(subject.inputs).features), expected)


def small(name):
    """The arguments of the row of that name."""
    return {"EarlyFusion": {"width": 4, "layers": 2, "heads": 2},
            "PrefixFusion": {"width": 4, "layers": 2, "heads": 2, "feedforward": 6},
            "IntermediateFusion": {"width": 4, "heads": 2, "feedforward": 6},
            "CoAttentionBlock": {"width": 4, "heads": 2, "feedforward": (6, 7)},
            "MulTFusion": {"width": 4, "heads": 2, "layers": 2},
            "BottleneckFusion": {"width": 4, "layers": 3, "exchange_from": 1, "bottlenecks": 2, "heads": 2},
            "QueryingTransformer": {"width": 4, "queries": 2, "heads": 2}}[name]


@pytest.mark.parametrize("make, message", [
    (lambda rng: fusion.EarlyFusion(TWO, 6, heads=4, rng=rng), "CrossAttention: heads must divide width; got 4 and 6"),
    (lambda rng: fusion.EarlyFusion(TWO, 4, 0, rng=rng), "AttentionStack: needs one layer or more; got 0"),
    (lambda rng: fusion.PrefixFusion({"text": 5}, rng=rng), "PrefixFusion: widths must be a dict of 2 modalities"),
    (lambda rng: fusion.EarlyFusion({"text": 5}, rng=rng), "EarlyFusion: widths must be a dict of 2 or more modal"),
    (lambda rng: fusion.PerceiverResampler({}, rng=rng), "PerceiverResampler: widths must be a dict of 1 or more"),
    (lambda rng: fusion.PerceiverResampler(TWO, 4, layers=0, rng=rng), "PerceiverResampler: needs one layer or more"),
    (lambda rng: fusion.QueryingTransformer(TWO, 4, layers=0, rng=rng), "QueryingTransformer: needs one layer or more"),
    (lambda rng: fusion.QueryingTransformer(TWO, 4, layers=1, objective="generation", rng=rng),
     "QueryingTransformer: generation needs two layers or more, or no word learns of the image; got 1"),
    (lambda rng: fusion.CausalCoAttention(TWO, 6, 4, rng=rng), "CausalCoAttention: heads must divide width; got 4 and"),
    (lambda rng: fusion.GlimpseFusion(TWO, glimpses=0, rng=rng),
     "GlimpseFusion: glimpses and size must be positive; got 0 and 64"),
    (lambda rng: fusion.GlimpseFusion(TWO, size=0, rng=rng),
     "GlimpseFusion: glimpses and size must be positive; got 4 and 0"),
    (lambda rng: fusion.GlimpseFusion({"text": 5}, rng=rng), "GlimpseFusion: widths must be a dict of 2 modalities"),
    (lambda rng: fusion.IntermediateFusion(TWO, 4, 2, (1, 3), rng=rng),
     r"IntermediateFusion: exchange_at must be depths from 0 to 2; got \(1, 3\)"),
    (lambda rng: fusion.BottleneckFusion(TWO, 4, 3, 2, rng=rng),
     "BottleneckFusion: exchange_from must leave two layers or more with bottlenecks, .*; got 2 of 3"),
    (lambda rng: fusion.QueryingTransformer(TWO, 4, objective="captions", rng=rng),
     "QueryingTransformer: objective must be one of contrast, matching, generation; got 'captions'"),
])
def test_what_cannot_be_built_is_refused_by_name(make, message, rng):
    with pytest.raises(ValueError, match=message):
        make(rng)


def test_channels_of_two_lengths_are_refused(rng):
    joined = fusion.JoinedChannels(TWO, 4, rng=rng)
    with pytest.raises(ValueError, match="JoinedChannels: inputs must be aligned, of one length; got 6, 7"):
        joined((rng.standard_normal((2, 6, 5)), rng.standard_normal((2, 7, 3))))


# Exchange ------------------------------------------------------------------------------------------------------------

def test_without_exchange_there_are_separate_encoders(rng):
    """Each stream is what a stack of its layers makes of it alone, whatever the other holds."""
    subject = Subject("IntermediateFusion_none", 0)
    found = subject.fusion(subject.inputs, subject.masks).features
    for m, x in enumerate(subject.fusion.embedding(subject.inputs)):
        alone = AttentionStack(1, 4, 2, 5, rng=rng).to(np.float64)
        copied(subject.fusion.layers[0][m], alone.layers[0])
        copied(subject.fusion.norms[m], alone.norm)
        y, _ = alone(x, mask=subject.masks[m])
        seen = subject.masks[m]
        np.testing.assert_allclose(found[m].data[seen], y.data[seen], rtol=1e-12)


@pytest.mark.parametrize("name", ["IntermediateFusion", "CoAttentionBlock", "MulTFusion", "BottleneckFusion"])
def test_each_stream_learns_of_the_other(name):
    subject = Subject(name, 0)
    inputs = as_leaves(subject.inputs)
    fused = subject.fusion(inputs)
    for m in (0, 1):
        g, = tm.grad(fused.features[m], [inputs[1 - m]], np.random.default_rng(m).standard_normal(
            fused.features[m].shape), retain_graph=True)
        assert (np.abs(g.data).max(-1) > 1e-9).all()


def test_two_co_attention_blocks_are_not_causal(rng):
    """One is, for its first stream; by way of the second stream the next one sees the future."""
    one, two = (Subject("CoAttentionBlock", seed) for seed in (0, 1))
    inputs = as_leaves(one.inputs)
    middle = one.fusion(inputs).features
    for features, reached in ((middle[0], False), (two.fusion(middle).features[0], True)):
        g = np.zeros(features.shape)
        g[:, 0] = rng.standard_normal(g[:, 0].shape)
        assert tm.grad(features, [inputs[0]], g, retain_graph=True)[0].data[:, 1:].any() == reached


@pytest.mark.parametrize("seed", range(3))
def test_bottlenecks_are_masked_attention_over_all_tokens(seed):
    """With the same weights in both streams: one layer over [x₁; f; x₂; f], a stream blind for the other's part."""
    subject = Subject("BottleneckFusion", seed)
    model, R = subject.fusion, len(subject.fusion.bottlenecks)
    for layers in model.layers:
        copied(layers[0], layers[1])
    copied(model.norms[0], model.norms[1])
    (x, y), N = model.embedding(subject.inputs), [x.shape[1] for x in subject.inputs]
    f = np.tile(model.bottlenecks.data, (len(subject.present), 1, 1))
    part = np.repeat([0, 0, 1, 1], [N[0], R, N[1], R])
    tokens = np.concatenate([x.data, f, y.data, f], 1)
    is_shared = np.concatenate([np.arange(n + R) >= n for n in N])
    for depth, layers in enumerate(model.layers):
        seen = part[:, None] == part
        if depth < model.exchange_from:
            seen &= ~is_shared[None, :] | is_shared[:, None]                         # nobody reads f yet
        after = layers[0](tm.tensor(tokens), mask=seen[None])[0].data
        if depth < model.exchange_from:
            tokens[:, ~is_shared] = after[:, ~is_shared]
            continue
        copies = after[:, is_shared].reshape(len(f), 2, R, -1)
        after[:, is_shared] = np.tile(copies.mean(1), (1, 2, 1))
        tokens = after
    expected = model.norms[0](tm.tensor(tokens[:, ~is_shared])).data
    found = model(subject.inputs).features
    np.testing.assert_allclose(np.concatenate([z.data for z in found], 1), expected, rtol=1e-10, atol=1e-12)


def test_bottlenecks_of_an_absent_modality_do_not_count():
    """What the text finds is the same as if only the text had written into them."""
    subject = Subject("BottleneckFusion", 0)
    model, (text, image) = subject.fusion, subject.inputs
    absent = np.tile([True, False], (len(text), 1))
    found = first(model((text, image), None, absent).features)
    for layers in model.layers:                                          # whatever an image's layers would make of f
        for parameter in layers[1].parameters():
            parameter.data += 1
    np.testing.assert_array_equal(found, first(model((text, image), None, absent).features))


# Latents and queries -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("seed", range(3))
def test_the_resampler_is_masked_attention_over_all_tokens(seed):
    """The rows of the latents in a self-attention over [x; ℓ], in which inputs see nothing, and need not."""
    subject = Subject("PerceiverResampler", seed)
    model, R = subject.fusion, len(subject.fusion.latents)
    x = tm.functional.concatenate(model.embedding(subject.inputs), 1).data
    latents = np.tile(model.latents.data, (len(x), 1, 1))
    hidden = np.concatenate([*subject.masks, np.ones((len(x), R), bool)], 1)
    is_latent = np.arange(x.shape[1] + R) >= x.shape[1]
    for layer in model.layers:
        tokens = np.concatenate([layer.input_norm(tm.tensor(x)).data, layer.latent_norm(tm.tensor(latents)).data], 1)
        seen = hidden[:, None] & is_latent[:, None]
        y, _ = layer.attention(tm.tensor(tokens), tm.tensor(tokens), seen)
        latents = latents + y.data[:, is_latent]
        latents = latents + layer.feedforward(layer.feedforward_norm(tm.tensor(latents))).data
    x[~hidden[:, :-R]] = np.nan                                          # and these never mattered
    found = model(subject.inputs, subject.masks).features
    np.testing.assert_allclose(found.data, model.norm(tm.tensor(latents)).data, rtol=1e-10, atol=1e-12)


def test_a_resampler_shortens_a_single_modality(rng):
    model = fusion.PerceiverResampler({"video": 5}, 8, latents=3, heads=2, rng=rng)
    assert model((rng.standard_normal((2, 50, 5), np.float32),)).features.shape == (2, 3, 8)


# What words and queries get from each other: (reaches queries from text, words from image)
@pytest.mark.parametrize("objective, from_text_to_queries, from_image_to_words", [
    ("contrast", False, False), ("matching", True, True), ("generation", False, True)])
def test_who_reaches_whom_in_the_querying_transformer(objective, from_text_to_queries, from_image_to_words, rng):
    subject = Subject("QueryingTransformer", 0)
    subject.fusion.objective = objective                                 # one network, three objectives
    inputs = as_leaves(subject.inputs)
    words, queries = subject.fusion(inputs).features

    def reached(features, x):
        g, = tm.grad(features, [x], rng.standard_normal(features.shape), allow_unused=True, retain_graph=True)
        return g is not None and bool(g.data.any())

    assert reached(queries, inputs[1]) and reached(words, inputs[0])
    assert reached(queries, inputs[0]) == from_text_to_queries
    assert reached(words, inputs[1]) == from_image_to_words
    assert subject.fusion.causal == (objective == "generation")
    changed = subject.fusion((subject.inputs[0] + 1, subject.inputs[1])).features[1].data
    assert np.array_equal(changed, queries.data) != from_text_to_queries


def test_an_objective_set_later_is_checked_too():
    subject = Subject("QueryingTransformer", 0)
    subject.fusion.objective = "match"
    with pytest.raises(ValueError, match="QueryingTransformer: objective must be one of"):
        subject.fusion(subject.inputs)


# Gates and co-attention ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("closed", ["attention_gate", "feedforward_gate"])
def test_behind_a_closed_gate_only_the_gate_learns(closed, rng):
    subject = Subject("GatedCrossAttention", 0)
    model, branch = subject.fusion, closed.removesuffix("_gate")
    getattr(model, closed).data[...] = 0
    y = model(subject.inputs).features
    y.backward(rng.standard_normal(y.shape))
    for name, parameter in model.named_parameters():
        behind = name.startswith((f"{branch}.", f"{branch}_norm."))
        assert parameter.grad.any() != behind, name


def test_new_gates_are_closed_and_the_text_passes(rng):
    model = fusion.GatedCrossAttention(TWO, 4, 2, rng=rng)
    text, image = rng.standard_normal((2, 4, 5)), rng.standard_normal((2, 6, 3))
    np.testing.assert_array_equal(model((text, image)).features.data, text)


def test_parallel_co_attention_by_hand():
    """One word q = 1, regions v = (ln 2)/2 and 0, all weights 1: C = tanh(q v) = (1/3, 0)."""
    model = fusion.ParallelCoAttention({"text": 1, "image": 1}, 1, rng=np.random.default_rng(0)).to(np.float64)
    for parameter in model.parameters():
        parameter.data[...] = 1
    v = np.array([np.log(2) / 2, 0])
    (q_hat, v_hat), _, (a_q, a_v) = model((np.ones((1, 1, 1)), v.reshape(1, 2, 1)))
    H = np.tanh([v[0] + 1 / 3, 0])                                       # v + C q
    expected = np.exp(H) / np.exp(H).sum()
    np.testing.assert_allclose(a_v.data[0], expected, rtol=1e-14)
    np.testing.assert_allclose(v_hat.data, [[expected @ v]], rtol=1e-14)
    assert a_q.data.item() == q_hat.data.item() == 1


def test_glimpses_by_hand():
    """Words (1, 0) and (0, 1), regions 1, 1, 0; w = (ln 3, 0), W_q = (1, 0), W_k = ln 3, all other weights 1."""
    model = fusion.GlimpseFusion({"text": 2, "image": 1}, 1, 1, 1, rng=np.random.default_rng(0)).to(np.float64)
    values = {"word_scores.weight": [np.log(3), 0], "query.weight": [1, 0], "key.weight": np.log(3),
              "gate_bias": 0, "norm.bias": 0, "shift.bias": 0}
    for name, parameter in model.named_parameters():
        parameter.data[...] = values.get(name, 1)
    model.norm.eps = 0
    z, mask, (beta, alpha, gamma) = model((np.eye(2)[None], np.array([[[1.0], [1], [0]]])))
    np.testing.assert_allclose(beta.data, [[[3 / 4, 1 / 4]]], rtol=1e-14)          # so s = (3/4, 1/4), LN(s) = (1, -1)
    np.testing.assert_allclose(alpha.data, [[[3 / 7, 3 / 7, 1 / 7]]], rtol=1e-14)  # and e = (ln 3, ln 3, 0)
    np.testing.assert_allclose(gamma.data, [[[3 / 4, 3 / 4, 1 / 2]]], rtol=1e-14)  # so c = (6/7, 3/2)
    np.testing.assert_allclose(z.data, [[2 * (6 / 7 + 3 / 2) + 1]], rtol=1e-14)
    assert mask is None


@given(count=st.integers(1, 5), seed=st.integers(0, 2**32 - 1))
def test_gates_see_of_m_copies_m_times_as_much_and_a_softmax_the_same(count, seed):
    """Every region m times. What a softmax over regions has picked out does not tell m: here that half is left out."""
    rng = np.random.default_rng(seed)
    text, image = rng.standard_normal((2, 4, 5)), rng.standard_normal((2, 3, 3))
    copies = text, np.tile(image, (1, count, 1))
    model = fusion.GlimpseFusion(TWO, 6, 2, 4, rng=rng).to(np.float64)
    for parameter in model.shift.parameters():                           # what is said of the text alone
        parameter.data[...] = 0
    model.seen.weight.data.reshape(6, 2, 2, 3)[:, :, 0] = 0              # (D, glimpse, softmax or gates, Dv)
    np.testing.assert_allclose(model(copies).features.data, count * model((text, image)).features.data, rtol=1e-9,
                               atol=1e-12)
    for softmax in (fusion.AlternatingCoAttention(TWO, 4, rng=rng), fusion.AttentionFusion(TWO, 4, rng=rng)):
        softmax.to(np.float64)
        for one, other in zip(streams(softmax(copies).features), streams(softmax((text, image)).features)):
            np.testing.assert_allclose(one.data, other.data, rtol=1e-9, atol=1e-12)


@given(x=st.floats(0.1, 10), seed=st.integers(0, 2**32 - 1))
def test_two_glimpses_tell_left_from_right_and_one_does_not(x, seed):
    """Regions [is red, is round, place], a red thing and a round one, in two places and the other way round.

    One glimpse whose gates are open for both sees the sum, which is the same. Two that are open for one each see both
    places, and the difference of these is the answer.
    """
    rng = np.random.default_rng(seed)
    images = np.array([[[1, 0, -x], [0, 1, x]], [[1, 0, x], [0, 1, -x]]])
    text = np.tile(np.eye(2), (2, 1, 1))                                 # the words "red" and "round"

    def looking(glimpses, words, norm_bias):
        """Weights by which glimpse g reads the word words[g], and opens its gates where the region is what it says."""
        model = fusion.GlimpseFusion({"text": 2, "image": 3}, 8, glimpses, 2, rng=rng).to(np.float64)
        model.word_scores.weight.data[...] = words
        model.query.weight.data[...] = 100 * np.eye(2)
        model.key.weight.data[...] = np.eye(2, 3)
        model.gate_bias.data[...] = -20
        model.norm.bias.data[...] = norm_bias
        return model

    model = looking(1, [[0, 0]], 1)                                      # LN((1/2, 1/2)) + 1: it asks for both
    open_gates = model((text, images)).weights[2].data
    np.testing.assert_allclose(open_gates, 1, atol=1e-8)
    one, other = model((text, images)).features.data
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    model = looking(2, 100 * np.eye(2), 0)
    for layer in (model.seen, model.scale, model.shift):
        for parameter in layer.parameters():
            parameter.data[...] = 0
    model.seen.weight.data[0, [5, 11]] = -1, 1                           # place of the round minus that of the red
    np.testing.assert_allclose(model((text, images)).features.data[:, 0], [2 * x, 0], rtol=1e-8, atol=1e-8)


def test_regions_that_read_nothing_make_attention_fusion(rng):
    """Without R_k and R_v the causal co-attention is `AttentionFusion`."""
    subject = Subject("CausalCoAttention", 0)
    plain = fusion.AttentionFusion(TWO, 4, 2, rng=rng).to(np.float64)
    for name in ("query", "value", "fuse"):
        copied(getattr(subject.fusion, name), getattr(plain, name))
    plain.key.weight.data[...] = subject.fusion.key.weight.data
    for reading in (subject.fusion.read_key, subject.fusion.read_value):
        reading.weight.data[...] = 0
    found, expected = (model(subject.inputs, subject.masks) for model in (subject.fusion, plain))
    np.testing.assert_allclose(found.features.data, expected.features.data, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(found.weights[0].data, expected.weights.data, rtol=1e-12, atol=1e-13)


def test_a_region_reads_the_words_so_far():
    subject = Subject("CausalCoAttention", 0)
    beta = subject.fusion(subject.inputs).weights[1].data                # (B, H, T, N, T)
    np.testing.assert_allclose(beta.sum(-1), 1)
    T = beta.shape[2]
    later = np.broadcast_to(~np.tri(T, dtype=bool)[:, None], beta.shape)
    assert not beta[later].any() and (beta[~later] > 0).all()


def test_words_hear_of_earlier_words_through_the_regions(rng):
    """Where word t looks depends on the words before it, which it does not in `AttentionFusion`."""
    subject = Subject("CausalCoAttention", 0)
    changed = subject.inputs[0].copy()
    changed[:, 0] += 1
    alpha, other = (subject.fusion((text, subject.inputs[1])).weights[0].data for text in (subject.inputs[0], changed))
    assert (np.abs(alpha - other)[:, :, 1:].max(-1) > 1e-6).all()
