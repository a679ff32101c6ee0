"""BERT against the reference implementation; its objective, where places are asked and where not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm.nn.inspect import observe
from tinymm.pretraining import Bert, BertForPreTraining, bert_names, masked_loss

from . import record


def small(rng, vocabulary=13, width=8, layers=2, positions=9):
    return BertForPreTraining(Bert(vocabulary, width, layers, 2, 12, positions, rng=rng), rng=rng).eval()


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 1e-5)])
def test_bert_is_the_reference_implementation(dtype, tolerance):
    arrays, state = record.load("bert")
    model = small(np.random.default_rng(0))
    left = record.fill(model, bert_names(2), state, dtype)
    assert left == {"cls.predictions.decoder.weight", "cls.predictions.decoder.bias"}  # both are tied
    kept = {}

    def keep(name, layer, inputs, output):
        if name == "bert.embeddings.norm":
            kept["embedded"] = output

    with observe(model, keep):
        words, is_next = model(arrays["ids"], arrays["mask"], arrays["segments"])
    real = arrays["mask"]
    for ours, theirs in ((words.data[real], arrays["words"][real]), (is_next.data, arrays["next"])):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * np.abs(theirs).max())
    found, = tm.grad([words, is_next], [kept["embedded"]],
                     [arrays[name].astype(dtype) for name in ("words_cotangent", "next_cotangent")])
    expected = arrays["embedded_gradient"]
    np.testing.assert_allclose(np.asarray(found), expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())


@given(st.integers(0, 2**32 - 1))
def test_only_chosen_places_are_asked(seed):
    """The scores of every other place get a gradient of exactly zero, and so does its own last feature."""
    rng = np.random.default_rng(seed)
    model = small(rng)
    ids = rng.integers(4, 13, (2, 6))
    labels = np.where(rng.random(ids.shape) < 0.4, ids, -100)
    if (labels == -100).all():
        labels[0, 0] = ids[0, 0]
    features = tm.tensor(rng.normal(size=(2, 6, 8)), requires_grad=True)
    masked_loss("test", model.words, features, labels).backward()
    assert (features.grad[labels == -100] == 0).all()
    assert (features.grad[labels != -100] != 0).any(-1).all()


@given(st.integers(0, 2**32 - 1))
def test_texts_without_a_second_one_are_not_asked_what_follows(seed):
    """-100 leaves a row out of the mean; where all rows are left out, hidden words alone are asked."""
    rng = np.random.default_rng(seed)
    model = small(rng).to(np.float64)
    ids = rng.integers(4, 13, (3, 6))
    is_next = np.array([rng.integers(2), -100, rng.integers(2)])
    words = model.loss(ids, ids).item()
    scores = model(ids)[1].data[[0, 2]]
    log_p = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    expected = words - log_p[[0, 1], is_next[[0, 2]]].mean()
    np.testing.assert_allclose(model.loss(ids, ids, is_next=is_next).item(), expected, rtol=1e-9)
    assert model.loss(ids, ids, is_next=np.full(3, -100)).item() == words


def test_refusals():
    model = small(np.random.default_rng(0))
    ids = np.full((1, 10), 5)
    with pytest.raises(ValueError, match=r"BertEmbeddings: a text may have 9 words.*; got 10"):
        model(ids)
    with pytest.raises(ValueError, match="BertForPreTraining: at least one place must be chosen"):
        model.loss(ids[:, :4], np.full((1, 4), -100))


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_padding_has_no_influence(seed, extra):
    rng = np.random.default_rng(seed)
    model = small(rng, positions=12)
    ids = rng.integers(4, 13, (2, 5))
    alone = model.bert(ids)
    longer = np.concatenate([ids, rng.integers(0, 13, (2, extra))], 1)
    mask = np.arange(longer.shape[1]) < np.full((2, 1), 5)
    padded = model.bert(longer, mask)
    np.testing.assert_allclose(padded.sequence.data[:, :5], alone.sequence.data, atol=2e-6)
    np.testing.assert_allclose(padded.pooled.data, alone.pooled.data, atol=2e-6)
    assert (padded.sequence.data[:, 5:] == 0).all()
