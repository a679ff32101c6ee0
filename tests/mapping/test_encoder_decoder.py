"""Any encoder to any decoder: one likelihood, one step of decoding, whatever is encoded and whoever writes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm import nn, no_grad
from tinymm.encoders import CausalLSTM, CausalTransformer, ConvEncoder, Encoded, WhisperEncoder
from tinymm.encoders.encoded import selected
from tinymm.fusion import AttentionFusion
from tinymm.mapping import (
    EncoderDecoder, FusionDecoder, TextDecoder, beam_search, greedy, next_word, next_word_of, sample, sequence_loss,
)
from tinymm.testing import check_directional

V, BOS, EOS, LONGEST, BANDS, D = 9, 1, 2, 7, 5, 8
TOLERANCE = {np.float64: dict(rtol=1e-12, atol=1e-12), np.float32: dict(rtol=1e-5, atol=1e-5)}
SEEDS = st.integers(0, 2**32 - 1)
ENCODERS = {  # and what each reads: inputs and their mask
    "sound": (lambda rng: WhisperEncoder(BANDS, D, 1, 2, rng=rng),
              lambda rng: (rng.standard_normal((4, 9, BANDS)), np.arange(9) < np.array([[9], [4], [7], [1]]))),
    "image": (lambda rng: ConvEncoder(((4,), (8,)), 8, 3, 2, rng=rng),
              lambda rng: (rng.standard_normal((4, 3, 8, 8)), rng.random((4, 16)) < 0.6)),
}
DECODERS = {
    "attention": lambda width, pooled, rng: TextDecoder(V, D, 2, 2, 12, memory_width=width, rng=rng),
    "attention, wider": lambda width, pooled, rng: TextDecoder(V, 12, 1, 3, 12, memory_width=width, rng=rng),
    "LSTM and fusion": lambda width, pooled, rng: FusionDecoder(
        CausalLSTM(V, 6, 5, pooled, rng=rng), AttentionFusion({"text": 6, "memory": width}, 10, 2, rng=rng), V,
        rng=rng),
    "Transformer and fusion": lambda width, pooled, rng: FusionDecoder(
        CausalTransformer(V, 6, 1, 2, pooled, rng=rng), AttentionFusion({"text": 6, "memory": width}, 10, rng=rng), V,
        rng=rng),
}
METHODS = {
    "greedy": lambda step, seed: greedy(step, 4, BOS, EOS, LONGEST),
    "beam": lambda step, seed: beam_search(step, 4, BOS, EOS, LONGEST, beam=3, length_penalty=0.7),
    "sampling": lambda step, seed: sample(step, 4, BOS, EOS, LONGEST, np.random.default_rng(seed), 0.9, 6),
}
every_encoder = pytest.mark.parametrize("encoder", ENCODERS)
every_decoder = pytest.mark.parametrize("decoder", DECODERS)
every_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def model_of(encoder, decoder, seed, dtype=np.float64):
    """(model in eval mode with random weights, inputs, mask, ids, mask of ids)."""
    rng = np.random.default_rng(seed)
    make, draw = ENCODERS[encoder]
    made = make(rng)
    model = EncoderDecoder(made, DECODERS[decoder](made.width, made.pooled_width, rng)).to(dtype).eval()
    for parameter in model.parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape) * 0.4
    inputs, mask = draw(rng)
    ids = rng.integers(3, V, (4, 6))
    ids[:, 0] = BOS
    said = np.arange(6) < np.array([[6], [3], [4], [2]])
    return model, inputs.astype(dtype), mask, np.where(said, ids, 0), said


def rereading(model, encoded):
    """A step that keeps words alone, and reads the whole prefix at every call."""
    def step(words, rows, state):
        if state is None:
            examples, prefixes = rows, words[:, None]
        else:
            examples, prefixes = state[0][rows], np.concatenate([state[1][rows], words[:, None]], 1)
        with no_grad():
            logits, _ = model.decode(selected(encoded, examples), prefixes)
            return F.log_softmax(logits.data[:, -1], -1), (examples, prefixes)

    return step


@every_decoder
@every_encoder
@every_dtype
@given(seed=SEEDS, method=st.sampled_from([*METHODS]))
@settings(max_examples=6)
def test_decoding_with_caches_is_decoding_of_the_whole_prefix(encoder, decoder, dtype, seed, method):
    model, inputs, mask, _, _ = model_of(encoder, decoder, seed, dtype)
    fast = next_word(model, inputs, mask)
    with no_grad():
        slow = rereading(model, model.encode(inputs, mask))

    def both(words, rows, state):
        mine, theirs = (None, None) if state is None else state
        found, mine = fast(words, rows, mine)
        expected, theirs = slow(words, rows, theirs)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, **TOLERANCE[dtype])
        return expected, (mine, theirs)

    METHODS[method](both, seed)


@every_decoder
@every_encoder
def test_gradients_are_exactly_zero_at_padding_and_at_words_to_come(encoder, decoder):
    """Of hidden inputs, be they NaN, and of every word after the one that is read."""
    model, inputs, mask, ids, _ = model_of(encoder, decoder, 0)
    embedding = model.decoder.embedding if hasattr(model.decoder, "embedding") else model.decoder.text_encoder.embedding
    vectors = []
    with nn.observe(embedding, lambda name, layer, given, output: vectors.append(output)):
        encoded = Encoded(*(tm.tensor(x.data, requires_grad=True) for x in model.encode(inputs, mask)[:2]), None)
        hidden = np.zeros(encoded.sequence.shape[:2], bool)
        hidden[:, 3:] = True
        memory = Encoded(tm.tensor(np.where(hidden[..., None], np.nan, encoded.sequence.data), requires_grad=True),
                         encoded.pooled, ~hidden)
        logits, _ = model.decode(memory, ids)
    g = np.random.default_rng(1).standard_normal((4, V))
    of_memory, of_words = tm.grad(logits[:, 2], [memory.sequence, vectors[0]], g)
    assert np.isfinite(logits.data).all()
    assert not of_memory.data[hidden].any() and of_memory.data[~hidden].any()
    assert not of_words.data[:, 3:].any() and of_words.data[:, :3].any(-1).all()


@every_decoder
def test_a_batch_with_padding_is_each_recording_alone(decoder):
    model, inputs, mask, ids, _ = model_of("sound", decoder, 3)
    logits, _ = model(np.where(mask[..., None], inputs, np.nan), ids, mask)
    for i, frames in enumerate(mask.sum(1)):
        alone, _ = model(inputs[i:i + 1, :frames], ids[i:i + 1])
        np.testing.assert_allclose(logits.data[i], alone.data[0], rtol=1e-9, atol=1e-10)


@every_decoder
@every_encoder
def test_the_loss_is_the_mean_over_words_and_padding_never_reaches_it(encoder, decoder):
    model, inputs, mask, ids, said = model_of(encoder, decoder, 0)
    logits, _ = model(inputs, ids[:, :-1], mask)
    p = np.exp(logits.data) / np.exp(logits.data).sum(-1, keepdims=True)
    terms = [-np.log(p[b, t - 1, ids[b, t]]) for b in range(4) for t in range(1, 6) if said[b, t]]
    assert sequence_loss(logits, ids, said).item() == pytest.approx(np.mean(terms), rel=1e-10)
    smoothed = [0.8 * term - 0.2 * np.log(p[b, t - 1]).mean() for term, (b, t) in zip(
        terms, [(b, t) for b in range(4) for t in range(1, 6) if said[b, t]])]
    assert sequence_loss(logits, ids, said, 0.2).item() == pytest.approx(np.mean(smoothed), rel=1e-10)
    changed = np.where(said, ids, 7)
    other, _ = model(inputs, changed[:, :-1], mask)
    assert sequence_loss(other, changed, said, 0.2).item() == sequence_loss(logits, ids, said, 0.2).item()


@every_decoder
def test_the_gradient_of_the_loss_in_all_parameters_and_in_the_sound(decoder):
    model, inputs, mask, ids, said = model_of("sound", decoder, 5)
    parameters = list(model.parameters())

    def loss(x, *values):
        for parameter, value in zip(parameters, values):
            parameter.data, parameter._node = value.data, value._node
        return sequence_loss(model(x, ids[:, :-1], mask)[0], ids, said, 0.1)

    assert check_directional(loss, [inputs, *(p.data.copy() for p in parameters)], np.random.default_rng(0))


@every_decoder
def test_every_parameter_is_trained(decoder):
    model, inputs, mask, ids, said = model_of("sound", decoder, 0)
    sequence_loss(model(inputs, ids[:, :-1], mask)[0], ids, said).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


@every_decoder
def test_several_texts_of_an_input_are_as_many_copies_of_it(decoder):
    model, inputs, mask, ids, _ = model_of("sound", decoder, 0)
    once, _ = model(inputs[:2], ids, mask[:2])
    copies, _ = model(np.repeat(inputs[:2], 2, 0), ids, np.repeat(mask[:2], 2, 0))
    np.testing.assert_allclose(once.data, copies.data, rtol=1e-12, atol=1e-12)


@every_decoder
def test_a_step_that_fails_leaves_the_state_as_it_was(decoder, monkeypatch):
    model, inputs, mask, ids, _ = model_of("sound", decoder, 0)
    encoded = model.encode(inputs, mask)
    last = model.decoder.transformer.norm if decoder.startswith("attention") else model.decoder.words

    def logits(fails_at=None):
        state, found = model.new_state(encoded), []
        for t in range(3):
            if t == fails_at:
                with monkeypatch.context() as patch:
                    patch.setattr(last, "forward", lambda x: 1 / 0)
                    with pytest.raises(ZeroDivisionError):
                        model.read_on(ids[:, t:t + 1], state)
            found.append(model.read_on(ids[:, t:t + 1], state).data)
        return found

    for t in range(3):
        np.testing.assert_array_equal(logits(fails_at=t), logits())


def test_several_words_at_once_are_read_as_one_after_the_other():
    model, inputs, mask, ids, _ = model_of("sound", "attention", 0)
    whole = model(inputs, ids, mask)[0].data
    state = model.new_state(model.encode(inputs, mask))
    for start, stop in ((0, 2), (2, 3), (3, 6)):
        np.testing.assert_allclose(model.read_on(ids[:, start:stop], state).data, whole[:, start:stop], atol=1e-12)
        assert state.length == stop


def test_the_sound_is_encoded_and_projected_once_and_each_word_read_once():
    model, inputs, mask, _, _ = model_of("sound", "attention, wider", 0)
    read = []
    with nn.observe(model, lambda name, layer, given, output: read.append((name, given[0]))):
        found = greedy(next_word(model, inputs, mask), 4, BOS, -1, LONGEST)     # never closes
    names = [name for name, _ in read]
    assert all(len(text) == LONGEST for text in found)
    assert names.count("encoder") == names.count("decoder.memory") == 1
    assert names.count("decoder.embedding") == LONGEST
    assert all(given.shape == (4, 1) for name, given in read if name == "decoder.embedding")


def test_looks_are_the_shares_of_real_places_and_know_no_word_to_come():
    model, inputs, mask, ids, _ = model_of("sound", "attention", 0)
    encoded = model.encode(inputs, mask)
    shares = model.decoder.looks(encoded, ids)
    assert shares.shape == (4, 6, 5)
    np.testing.assert_allclose(shares.sum(-1), 1, rtol=1e-12)
    assert not shares[np.broadcast_to(~encoded.mask[:, None], shares.shape)].any()
    np.testing.assert_allclose(model.decoder.looks(encoded, ids[:, :3]), shares[:, :3], rtol=1e-9)


def test_words_are_scored_by_the_vectors_that_they_are_read_as():
    decoder = TextDecoder(300, 64, 1, 2, 12, rng=np.random.default_rng(0))
    assert sum(parameter.shape == (300, 64) for parameter in decoder.parameters()) == 1
    memory = tm.tensor(np.random.default_rng(1).standard_normal((2, 5, 64)).astype(np.float32))
    logits, _ = decoder.decode(Encoded(memory, memory[:, 0], None), np.array([[1, 2, 3], [4, 5, 6]]))
    assert 0.8 < logits.data.std() < 1.2                                 # at the start no word is certain


def test_what_does_not_fit_is_refused_by_name():
    model, inputs, mask, ids, _ = model_of("sound", "attention", 0)
    with pytest.raises(ValueError, match="EncoderDecoder: texts must be as many as inputs, or K for each; "
                                         "got 4 for 3 inputs"):
        model(inputs[:3], ids)
    with pytest.raises(ValueError, match="LearnedPositionalEncoding"):
        model(inputs, np.ones((4, 13), int))
    model.train()
    with pytest.raises(ValueError, match="next_word: the model must be in eval mode"):
        next_word(model, inputs)
    with pytest.raises(ValueError, match="next_word_of: the model must be in eval mode"):
        next_word_of(model, model.encode(inputs))

    class Bidirectional(AttentionFusion):
        causal = False

    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="FusionDecoder: the fusion must be causal, .*; got Bidirectional"):
        FusionDecoder(CausalLSTM(V, rng=rng), Bidirectional({"text": 8, "image": 8}, 10, rng=rng), V, rng=rng)
