"""Audio encoders: exact lengths, padding that never matters, gradients, errors."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import tinymm as tm
from tinymm.encoders import AudioRecurrent, AudioTransformer, ConvSubsampling
from tinymm.encoders.audio import subsampled

BANDS = 6
ENCODERS = {
    "gru": lambda rng: AudioRecurrent(BANDS, 6, (2, 3), 1, layers=2, kind="gru", rng=rng),
    "lstm": lambda rng: AudioRecurrent(BANDS, 6, (2, 3), 2, kind="lstm", rng=rng),
    "transformer": lambda rng: AudioTransformer(BANDS, 8, (2, 3), 2, layers=1, heads=2, rng=rng),
    "convolutions": lambda rng: ConvSubsampling(BANDS, 8, (2, 3, 2), 1, rng=rng),
}
WHOLE = [name for name in ENCODERS if name != "convolutions"]


def randomised(name, rng):
    """All parameters away from their defaults of 1 and 0; in float64."""
    module = ENCODERS[name](rng).to(np.float64)
    for parameter in module.parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape) * 0.4
    return module


def mask_of(lengths, longest):
    return np.arange(longest) < np.asarray(lengths)[:, None]


@given(st.integers(1, 40), st.integers(0, 3))
def test_the_length_after_halving_is_that_of_the_convolutions(length, halvings):
    front = ConvSubsampling(BANDS, 4, (1, 1, 1), halvings, rng=np.random.default_rng(0))
    mask = mask_of([length, 1, max(1, length // 2)], length)
    features, left = front(np.zeros((3, length, BANDS), np.float32), mask)
    assert features.shape == (3, subsampled(length, halvings), 4) and left.shape == features.shape[:2]
    np.testing.assert_array_equal(left.sum(1), subsampled(mask.sum(1), halvings))
    assert not (np.diff(left.astype(int), axis=1) > 0).any()  # real first, padding after


@pytest.mark.parametrize("name", ENCODERS)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 13), min_size=1, max_size=3), st.integers(0, 4))
def test_padding_never_matters(name, seed, lengths, extra):
    """What stands in the padding changes no bit; how much there is changes nothing but rounding."""
    rng = np.random.default_rng(seed)
    encoder = randomised(name, rng).eval()
    x, mask = rng.standard_normal((len(lengths), max(lengths) + extra, BANDS)), mask_of(lengths, max(lengths) + extra)
    other = np.where(mask[..., None], x, 1e3 * rng.standard_normal(x.shape))
    *values, left = encoder(x, mask)
    for one, two in zip(values, encoder(other, mask)):
        shown = left[..., None] if one.ndim == 3 else True
        np.testing.assert_array_equal(np.where(shown, one.data, 0), np.where(shown, two.data, 0))
    for i, length in enumerate(lengths):
        *alone, own = encoder(x[i:i + 1, :length])
        assert own.all() and own.shape[1] == left[i].sum()
        for together, single in zip(values, alone):
            together = together.data[i, :own.shape[1]] if together.ndim == 3 else together.data[i]
            np.testing.assert_allclose(together, single.data[0], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ENCODERS)
def test_padding_gets_no_gradient_and_real_frames_do(name, rng):
    encoder = randomised(name, rng)
    mask = mask_of([9, 5, 1], 9)
    x = tm.tensor(rng.standard_normal((3, 9, BANDS)), requires_grad=True)
    *values, left = encoder(x, mask)
    for value in values:
        g = rng.standard_normal(value.shape)
        value.backward(g * left[..., None] if g.ndim == 3 else g, retain_graph=True)
    assert (x.grad[~mask] == 0).all() and (np.abs(x.grad).sum(-1)[mask] > 0).mean() > 0.7


@pytest.mark.parametrize("name", ENCODERS)
def test_exact_gradients_of_inputs_and_parameters(name, rng):
    encoder = randomised(name, rng)
    parameters = dict(encoder.named_parameters())
    mask = mask_of([5, 3], 5)

    def f(x, *values):
        for parameter, value in zip(parameters.values(), values):
            parameter.data, parameter._node = value.data, value._node
        *found, left = encoder(x, mask)
        return found[0] * left[..., None]

    kept = [p.data.copy() for p in parameters.values()]
    assert tm.testing.gradcheck(f, [rng.standard_normal((2, 5, BANDS)), *kept], rng, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("name", WHOLE)
def test_features_see_both_directions_and_the_pooled_vector_is_their_mean(name, rng):
    encoder = randomised(name, rng).eval()
    x, mask = rng.standard_normal((2, 12, BANDS)), mask_of([12, 7], 12)
    sequence, pooled, left = encoder(x, mask)
    for i in range(2):
        np.testing.assert_allclose(pooled.data[i], sequence.data[i, left[i]].mean(0))
    assert not sequence.data[~left].any()
    for frame in (0, 11):
        changed = x.copy()
        changed[0, frame] += 1
        assert (np.abs(encoder(changed, mask)[0].data - sequence.data)[0].max(-1) > 0).all()


@pytest.mark.parametrize("name", WHOLE)
def test_an_empty_row_gives_zero(name, rng):
    sequence, pooled, left = randomised(name, rng)(rng.standard_normal((2, 4, BANDS)), mask_of([4, 0], 4))
    assert not sequence.data[1].any() and not pooled.data[1].any() and not left[1].any()


@pytest.mark.parametrize("name", ENCODERS)
def test_state_round_trip_and_float32(name):
    one, other = (ENCODERS[name](np.random.default_rng(seed)) for seed in (1, 2))
    other.load_state_dict(one.state_dict())
    x = np.random.default_rng(0).standard_normal((2, 8, BANDS)).astype(np.float32)
    with tm.no_grad():
        results = [tuple(np.asarray(part) for part in module.eval()(x)) for module in (one, other)]
    for a, b in zip(*results):
        np.testing.assert_array_equal(a, b)
    assert results[0][0].dtype == np.float32


def test_dropout_is_for_training_alone(rng):
    for encoder in (AudioRecurrent(BANDS, 6, (2,), 1, dropout=0.5, rng=rng),
                    AudioTransformer(BANDS, 8, (2,), 1, dropout=0.5, heads=2, rng=rng)):
        x = rng.standard_normal((1, 6, BANDS)).astype(np.float32)
        assert not np.array_equal(encoder(x)[0].data, encoder(x)[0].data)
        np.testing.assert_array_equal(encoder.eval()(x)[0].data, encoder(x)[0].data)


def test_errors_name_the_rule(rng):
    with pytest.raises(ValueError, match="halvings must be 0 to 2, one per convolution; got 3"):
        ConvSubsampling(BANDS, 4, (2, 2), 3, rng=rng)
    with pytest.raises(ValueError, match=r"spectrograms must be \(B, T, 6\); got \(1, 5, 4\)"):
        ENCODERS["gru"](rng)(np.zeros((1, 5, 4), np.float32))
    with pytest.raises(ValueError, match=r"the mask must be boolean \(1, 5\), .*; got bool \(1, 4\)"):
        ENCODERS["gru"](rng)(np.zeros((1, 5, 6), np.float32), np.ones((1, 4), bool))
    with pytest.raises(ValueError, match="width must be even and kind 'gru' or 'lstm'; got 5 and 'gru'"):
        AudioRecurrent(BANDS, 5, rng=rng)
