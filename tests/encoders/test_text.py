"""Readers of whole texts beyond the contract: bags of pieces, pooling over time, what each kind can and cannot see."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm.encoders import BagOfWords, TextCNN, TextRNN, max_over_time, mean_over_time

from .cases import CASES, TEXT, E, V, randomised

READERS = {name: make for name, (modality, make) in CASES.items() if modality is TEXT}
every_reader = pytest.mark.parametrize("make", READERS.values(), ids=READERS)
seeds = st.integers(0, 2**32 - 1)


@every_reader
def test_reading_vectors_is_reading_their_words_and_hidden_vectors_get_no_gradient(make, rng):
    encoder = randomised(make(rng), rng)
    ids, mask = rng.integers(0, V, (2, 5)), np.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1]], bool)
    for one, other in zip(encoder.read(encoder.embed(ids), mask)[:2], encoder(ids, mask)):
        np.testing.assert_array_equal(one.data, other.data)
    x = np.where(mask[..., None], encoder.embed(ids).data, np.nan)
    x = tm.tensor(x, requires_grad=True)
    sequence, pooled, _ = encoder.read(x, mask)
    (sequence.sum() + (pooled * rng.standard_normal(pooled.shape)).sum()).backward()
    assert not x.grad[~mask].any() and np.isfinite(x.grad).all() and x.grad[mask].any()


@given(seed=seeds)
def test_the_vector_of_a_bag_is_the_words_and_the_mean_of_its_runs(seed):
    rng = np.random.default_rng(seed)
    encoder = TextCNN(V, 3, E, rng=rng).to(np.float64)
    table = encoder.embedding.weight.data
    ids = np.where(np.arange(4) < rng.integers(1, 5, (2, 3, 1)), rng.integers(1, V, (2, 3, 4)), 0)
    found = encoder.embed(ids).data
    for place in np.ndindex(2, 3):
        word, *runs = ids[place][ids[place] != 0]
        np.testing.assert_allclose(found[place], table[word] + (table[runs].mean(0) if runs else 0))
    assert tm.testing.gradcheck(lambda w: _embedded(encoder, w, ids), [table], rng)


def _embedded(encoder, weight, ids):
    encoder.embedding.weight.data, encoder.embedding.weight._node = weight.data, weight._node
    return encoder.embed(ids)


@every_reader
def test_the_order_of_words_matters_to_all_but_the_bag(make, rng):
    encoder = randomised(make(rng), rng)
    ids = rng.permutation(V)[None, :6]
    there, back = (encoder(each)[1].data for each in (ids, ids[:, ::-1]))
    assert np.allclose(there, back) == isinstance(encoder, BagOfWords)


@pytest.mark.parametrize("name", ["TextRNN_rnn", "TextRNN_lstm", "TextRNN_gru", "TextTransformer"])
def test_every_feature_has_seen_every_word(name, rng):
    encoder = randomised(READERS[name](rng), rng)
    ids = rng.integers(0, V, (1, 5))
    before = encoder(ids)[0].data[0]
    for t in range(5):
        changed = ids.copy()
        changed[0, t] = (changed[0, t] + 1) % V
        assert (np.abs(encoder(changed)[0].data[0] - before).max(-1) > 0).all()


def test_a_filter_sees_its_window_and_no_further(rng):
    encoder = randomised(TextCNN(V, 3, E, windows=(3,), rng=rng), rng)
    encoder.convolutions[0].bias.data += 5.0  # no filter is silent
    ids = rng.integers(0, V, (1, 9))
    changed = ids.copy()
    changed[0, 4] = (changed[0, 4] + 1) % V
    moved = np.abs(encoder(ids)[0].data - encoder(changed)[0].data).max(-1)[0] > 0
    assert np.flatnonzero(moved).tolist() == [3, 4, 5]


@given(seed=seeds)
def test_pooling_over_time_equals_a_loop(seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 5, 4)
    x, mask = rng.standard_normal((4, 5, 3)), np.arange(5) < lengths[:, None]
    mean, largest = mean_over_time(x, mask), max_over_time(x, mask)
    for b, length in enumerate(lengths):
        np.testing.assert_allclose(mean[b], x[b, :length].mean(0) if length else np.zeros(3))
        np.testing.assert_array_equal(largest[b], x[b, :length].max(0) if length else np.zeros(3))
    np.testing.assert_allclose(mean_over_time(x), x.mean(1))
    np.testing.assert_array_equal(max_over_time(x), x.max(1))


@given(seed=seeds)
def test_gradients_of_pooling_over_time(seed):
    rng = np.random.default_rng(seed)
    mask = np.arange(5) < rng.integers(0, 6, 3)[:, None]
    for pool in (mean_over_time, max_over_time):
        assert tm.testing.gradcheck(lambda x: pool(x, mask), [rng.permuted(np.arange(30.0)).reshape(3, 5, 2)], rng)


def test_errors_name_the_rule(rng):
    with pytest.raises(ValueError, match="TextCNN: width must be a multiple of 3, the number of windows; got 10"):
        TextCNN(V, 10, rng=rng)
    for wrong in ({"width": 7}, {"width": 8, "cell": "qrnn"}):
        with pytest.raises(ValueError, match="TextRNN: width is even and cell one of rnn, lstm, gru; got"):
            TextRNN(V, **wrong, rng=rng)
