"""Readers of whole texts: shapes, gradients, padding that changes nothing,
what the order of words can and cannot change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm.encoders import BagOfWords, TextCNN, TextRNN, TextTransformer, max_over_time, mean_over_time

from .test_contract import check_gradients, randomised

V, E = 11, 5
READERS = {
    "bag": lambda rng, **o: BagOfWords(V, 6, rng=rng, **o),
    "cnn": lambda rng, **o: TextCNN(V, 6, E, windows=(1, 2, 4), rng=rng, **o),
    "rnn": lambda rng, **o: TextRNN(V, 6, E, "rnn", layers=2, rng=rng, **o),
    "lstm": lambda rng, **o: TextRNN(V, 6, E, "lstm", rng=rng, **o),
    "gru": lambda rng, **o: TextRNN(V, 6, E, "gru", rng=rng, **o),
    "transformer": lambda rng, **o: TextTransformer(V, 6, heads=2, rng=rng, **o),
}
every_reader = pytest.mark.parametrize("make", READERS.values(), ids=READERS)
seeds = st.integers(0, 2**32 - 1)


def texts(rng, *lengths):
    """(ids, mask) of random texts."""
    mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
    return rng.integers(0, V, mask.shape), mask


@every_reader
def test_shapes_and_dtype(make, rng):
    encoder = make(rng)
    ids, mask = texts(rng, 4, 7, 1)
    sequence, pooled, _ = encoder(ids, mask)
    assert sequence.shape == (3, 7, encoder.width) and pooled.shape == (3, encoder.pooled_width)
    assert sequence.dtype == pooled.dtype == np.float32
    assert not sequence.data[~mask].any()
    for one, other in zip(encoder(ids)[:2], encoder(ids, np.ones_like(mask))):
        np.testing.assert_allclose(one.data, other.data, rtol=1e-5, atol=1e-6)


@every_reader
def test_gradients_of_vectors_and_parameters(make, rng):
    encoder = randomised(make(rng), rng)
    ids, mask = texts(rng, 3, 2)
    check_gradients(encoder, lambda: encoder(ids, mask)[0], [], rng)
    x = rng.standard_normal((2, 3, encoder.embedding.weight.shape[1]))
    check_gradients(encoder, lambda x: encoder.read(x, mask)[1], [x], rng)


@every_reader
@given(seed=seeds)
def test_what_stands_under_padding_changes_nothing(make, seed):
    """Not one bit of the result, and its gradient is exactly zero."""
    rng = np.random.default_rng(seed)
    encoder = make(rng)
    ids, mask = texts(rng, *rng.integers(1, 7, 3))
    changed = np.where(mask, ids, rng.integers(0, V, ids.shape))
    for one, other in zip(encoder(ids, mask)[:2], encoder(changed, mask)):
        np.testing.assert_array_equal(one.data, other.data)
    x = tm.tensor(encoder.embedding(ids).data, requires_grad=True)
    sequence, pooled, _ = encoder.read(x, mask)
    ((sequence * rng.standard_normal(sequence.shape)).sum()
     + (pooled * rng.standard_normal(pooled.shape)).sum()).backward()
    assert not x.grad[~mask].any() and x.grad[mask].any()


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
@given(seed=seeds, more=st.integers(1, 5))
def test_a_text_alone_is_the_same_as_among_longer_ones(make, seed, more):
    """However much padding follows; in float64, as products of other shapes may add up in another order."""
    rng = np.random.default_rng(seed)
    encoder = randomised(make(rng), rng)
    length = int(rng.integers(1, 6))
    ids, mask = texts(rng, length, length + more)
    sequence, pooled, _ = encoder(ids, mask)
    alone, pooled_alone, _ = encoder(ids[:1, :length])
    np.testing.assert_allclose(sequence.data[:1, :length], alone.data, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(pooled.data[:1], pooled_alone.data, rtol=1e-12, atol=1e-13)


@every_reader
def test_the_order_of_words_matters_to_all_but_the_bag(make, rng):
    encoder = randomised(make(rng), rng)
    ids = rng.permutation(V)[None, :6]
    there, back = (encoder(each)[1].data for each in (ids, ids[:, ::-1]))
    assert np.allclose(there, back) == isinstance(encoder, BagOfWords)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "transformer"])
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


@every_reader
def test_dropout_only_in_training(make, rng):
    encoder = make(rng, dropout=0.5)
    ids, mask = texts(rng, 5, 3)
    assert not np.array_equal(encoder(ids, mask)[1].data, encoder(ids, mask)[1].data)
    encoder.eval()
    np.testing.assert_array_equal(encoder(ids, mask)[1].data, encoder(ids, mask)[1].data)


@every_reader
def test_state_round_trip(make):
    one, other = make(np.random.default_rng(1)), make(np.random.default_rng(2))
    ids, mask = texts(np.random.default_rng(3), 4, 2)
    other.load_state_dict(one.state_dict())
    np.testing.assert_array_equal(one(ids, mask)[1].data, other(ids, mask)[1].data)


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
