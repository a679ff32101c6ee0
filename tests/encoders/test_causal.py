"""Readers of a prefix: no word sees a later one, and reading on from a state is reading the whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F

from .cases import CASES, PREFIX, C, V, randomised

READERS = {name: make for name, (modality, make) in CASES.items() if modality is PREFIX}
every_reader = pytest.mark.parametrize("make", READERS.values(), ids=READERS)
seeds = st.integers(0, 2**32 - 1)
CLOSE = dict(rtol=1e-11, atol=1e-12)


def prefixes(rng, batch, length):
    """(ids, context) of random words."""
    return rng.integers(0, V, (batch, length)), rng.standard_normal((batch, C))


def cut(rng, length):
    """Bounds of random stretches that together make `length` words."""
    cuts = sorted({0, length, *rng.integers(0, length, 2).tolist()})
    return list(zip(cuts, cuts[1:]))


def by_stretches(reader, ids, mask, context, bounds, state):
    """The features of a text that is read in stretches."""
    found = []
    for first, last in bounds:
        shown = None if mask is None else mask[:, first:last]
        found.append(reader(ids[:, first:last], shown, context=context if first == 0 else None, state=state))
    return F.concatenate([encoded.sequence for encoded in found], 1), found[-1].pooled


@every_reader
def test_features_do_not_see_the_future(make, rng):
    reader = randomised(make(rng), rng)
    ids, context = prefixes(rng, 2, 6)
    changed = ids.copy()
    changed[:, 4:] = (changed[:, 4:] + 1) % V
    before, after = (reader(words, context=context).sequence.data for words in (ids, changed))
    np.testing.assert_array_equal(before[:, :4], after[:, :4])
    assert not np.allclose(before[:, 4:], after[:, 4:])


@every_reader
def test_features_depend_on_every_earlier_word_and_on_the_context(make, rng):
    reader = randomised(make(rng), rng)
    ids, context = prefixes(rng, 1, 5)
    last = reader(ids, context=context).pooled.data
    for t in range(5):
        changed = ids.copy()
        changed[:, t] = (changed[:, t] + 1) % V
        assert not np.allclose(reader(changed, context=context).pooled.data, last)
    assert not np.allclose(reader(ids, context=context + 0.1).pooled.data, last)
    assert not np.allclose(reader(ids).pooled.data, last)


def test_without_a_context_an_lstm_starts_from_zeros_and_a_transformer_adds_nothing(rng):
    lstm, transformer = (randomised(make(rng), rng) for make in READERS.values())
    ids, _ = prefixes(rng, 2, 4)
    whole, _ = lstm.lstm(lstm.embedding(ids))
    np.testing.assert_array_equal(lstm(ids).sequence.data, whole.data)
    alone = transformer(ids).sequence.data
    transformer.start.weight.data[...] = 0
    transformer.start.bias.data[...] = 0
    np.testing.assert_array_equal(transformer(ids, context=np.ones((2, C))).sequence.data, alone)


@every_reader
@given(seed=seeds, padded=st.booleans(), given_context=st.booleans())
def test_reading_on_is_reading_the_whole(make, seed, padded, given_context):
    """By random stretches: features, the pooled vector, and all gradients, for what a state keeps stays on the tape."""
    rng = np.random.default_rng(seed)
    reader = randomised(make(rng), rng)
    length = int(rng.integers(1, 8))
    ids, context = prefixes(rng, 3, length)
    context = tm.tensor(context, requires_grad=True) if given_context else None
    mask = rng.random((3, length)) < 0.7 if padded else None
    leaves = [*([context] if given_context else []), *(p for n, p in reader.named_parameters() if given_context
                                                       or not n.startswith("start"))]
    state = reader.new_state()
    whole = reader(ids, mask, context=context)
    got, pooled = by_stretches(reader, ids, mask, context, cut(rng, length), state)
    assert state.length == length
    np.testing.assert_allclose(got.data, whole.sequence.data, **CLOSE)
    if not padded:
        np.testing.assert_allclose(pooled.data, whole.pooled.data, **CLOSE)
    g = rng.standard_normal(got.shape)
    for one, other in zip(tm.grad(got, leaves, g), tm.grad(whole.sequence, leaves, g)):
        np.testing.assert_allclose(one.data, other.data, rtol=1e-9, atol=1e-10)


@every_reader
@given(seed=seeds, padded=st.booleans())
def test_a_state_follows_the_rows_it_is_told(make, seed, padded):
    """As in a beam: one text becomes two, another is dropped, and each goes on with a word of its own."""
    rng = np.random.default_rng(seed)
    reader = randomised(make(rng), rng)
    ids, context = prefixes(rng, 3, 4)
    mask = rng.random((3, 4)) < 0.7 if padded else None
    rows, new = rng.integers(0, 3, 4), rng.integers(0, V, (4, 2))
    state = reader.new_state()
    state.select(rows)                                                   # nothing read yet, nothing to select
    reader(ids, mask, context=context, state=state)
    state.select(rows)
    got = reader(new, state=state).sequence
    longer = None if mask is None else np.concatenate([mask[rows], np.ones((4, 2), bool)], 1)
    whole = reader(np.concatenate([ids[rows], new], 1), longer, context=context[rows]).sequence
    np.testing.assert_allclose(got.data, whole.data[:, 4:], **CLOSE)


@every_reader
@given(seed=seeds)
def test_the_pooled_vector_is_the_feature_of_the_last_real_word(make, seed):
    rng = np.random.default_rng(seed)
    reader = randomised(make(rng), rng)
    ids, context = prefixes(rng, 4, 5)
    mask = rng.random((4, 5)) < 0.5
    sequence, pooled, _ = reader(ids, mask, context=context)
    for row, real in enumerate(mask):
        last = sequence.data[row, np.flatnonzero(real)[-1]] if real.any() else np.zeros(reader.width)
        np.testing.assert_array_equal(pooled.data[row], last)


@every_reader
def test_a_call_that_fails_leaves_the_state_as_it_was(make, rng):
    """A word out of range, another batch, a failure in the last layer: then the words are read as if nothing was."""
    reader = randomised(make(rng), rng)
    ids, context = prefixes(rng, 2, 5)
    expected = reader(ids, context=context).sequence.data[:, 3:]
    state = reader.new_state()
    reader(ids[:, :3], context=context, state=state)
    last = reader.lstm if hasattr(reader, "lstm") else reader.norm
    forward = last.forward

    def breaks(*inputs, **kwargs):
        forward(*inputs, **kwargs)
        raise RuntimeError("too late")

    for wrong in (lambda: reader(np.full((2, 1), V), state=state), lambda: reader(ids[:1, 3:], state=state),
                  lambda: reader(ids[:, 3:], np.ones((2, 9), bool), state=state)):
        with pytest.raises((ValueError, IndexError)):
            wrong()
        assert state.length == 3
    last.forward = breaks
    with pytest.raises(RuntimeError, match="too late"):
        reader(ids[:, 3:], np.array([[True, False], [True, True]]), state=state)
    del last.forward
    np.testing.assert_allclose(reader(ids[:, 3:], state=state).sequence.data, expected, **CLOSE)


@every_reader
def test_errors_name_the_rule(make, rng):
    reader = make(rng)
    name, ids = type(reader).__name__, np.zeros((2, 3), int)
    context = np.zeros((2, C), np.float32)
    with pytest.raises(ValueError, match=rf"{name}: a context is passed by name, reader\(ids, mask, context=...\).*; "
                                         r"got float32 \(2, 4\)"):
        reader(ids, tm.tensor(context))                                  # as it was called before
    with pytest.raises(ValueError, match=rf"{name}: ids must be \(B, T\) with at least one word; got \(2, 0\)"):
        reader(ids[:, :0], context=context)
    state = reader.new_state()
    reader(ids, context=context, state=state)
    with pytest.raises(ValueError, match=f"{name}: a context is given with the first words only; "
                                         "got one after 3 words"):
        reader(ids, context=context, state=state)
    with pytest.raises(ValueError, match=f"{name}: the state is of 2 texts; got words of 1"):
        reader(ids[:1], state=state)
    with pytest.raises(ValueError, match=f"{name}: texts and contexts must be as many; got 2 and 1"):
        reader(ids, context=context[:1])
