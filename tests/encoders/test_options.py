"""What a constructor is given reaches the layers it is meant for: sizes, depths, dropout."""

import inspect

import numpy as np
import pytest

from tinymm import encoders, nn
from tinymm.encoders.image import grid_positions

from .cases import CASES, VIDEO, V, frame_encoder

RNG = np.random.default_rng
PARAMETERS = {  # of the encoders of the table; the first and the last are counted by hand below
    "ConvEncoder": 528, "ConvEncoder_brightness": 564, "ConvHistogramEncoder": 2732,
    "FiLMConvEncoder": 648,
    "ResidualEncoder": 1472, "ResidualEncoder_deep": 944, "ResidualColourEncoder": 1466,
    "VisionTransformer": 1528, "BagOfWords": 108, "TextCNN": 131, "TextRNN_rnn": 181, "TextRNN_lstm": 295,
    "TextRNN_gru": 235, "TextTransformer": 1098, "CausalLSTM": 427, "CausalTransformer": 1128,
    "AudioRecurrent_gru": 527, "AudioRecurrent_lstm": 395, "AudioTransformer": 1037, "VideoAttention": 752,
    "VideoRecurrent_gru": 365, "VideoRecurrent_lstm": 420, "VideoConv3d": 1104, "VideoRegions": 308,
    "WhisperEncoder": 1240}
DROPPING = {  # encoders with an option `dropout`
    "BagOfWords": lambda p: encoders.BagOfWords(V, 6, dropout=p, rng=RNG(0)),
    "TextCNN": lambda p: encoders.TextCNN(V, 6, 5, dropout=p, rng=RNG(0)),
    "TextRNN": lambda p: encoders.TextRNN(V, 6, 5, layers=2, dropout=p, rng=RNG(0)),
    "TextTransformer": lambda p: encoders.TextTransformer(V, 6, heads=2, dropout=p, rng=RNG(0)),
    "CausalLSTM": lambda p: encoders.CausalLSTM(V, 6, 5, dropout=p, context_dropout=p, rng=RNG(0)),
    "CausalTransformer": lambda p: encoders.CausalTransformer(V, 6, 2, 2, dropout=p, context_dropout=p, rng=RNG(0)),
    "AudioRecurrent": lambda p: encoders.AudioRecurrent(6, 6, (2, 3), 1, 2, dropout=p, rng=RNG(0)),
    "AudioTransformer": lambda p: encoders.AudioTransformer(6, 8, (2, 3), 1, 2, 2, dropout=p, rng=RNG(0)),
    "VideoAttention": lambda p: encoders.VideoAttention(frame_encoder(RNG(0)), 6, 2, 2, dropout=p, rng=RNG(0)),
    "VisionTransformer": lambda p: encoders.VisionTransformer(8, 2, 2, 4, 8, dropout=p, rng=RNG(0)),
    "WhisperEncoder": lambda p: encoders.WhisperEncoder(6, 8, 2, 2, dropout=p, rng=RNG(0)),
}


@pytest.mark.parametrize("name", CASES)
def test_how_many_parameters_and_in_float32(name, rng):
    encoder = CASES[name][1](rng)
    assert encoder.num_parameters() == PARAMETERS[name]
    assert {p.dtype for p in encoder.parameters()} == {np.dtype(np.float32)}


def test_parameters_counted_by_hand():
    """Convolutions without bias, each with a norm; of the first also a layer norm, and 16 places of 8 numbers."""
    assert PARAMETERS["ConvEncoder"] == (2 * 4 * 9 + 2 * 4) + (4 * 8 * 9 + 2 * 8) + 2 * 8 + 16 * 8
    assert PARAMETERS["VideoConv3d"] == (2 * 4 * 27 + 2 * 4) + (4 * 8 * 27 + 2 * 8)
    assert PARAMETERS["VideoRegions"] == (6 * 3 * 9 + 2 * 3) + (3 * 4 * 9 + 2 * 4) + 2 * 4 + 4 * 4


def test_every_option_to_drop_is_tried():
    known = {name for name, encoder in vars(encoders).items()
             if inspect.isclass(encoder) and "dropout" in inspect.signature(encoder).parameters}
    assert known == set(DROPPING)


@pytest.mark.parametrize("name", DROPPING)
def test_dropout_reaches_every_layer_that_drops(name):
    """Its own layers', those of its transformer, that between the layers of a recurrent network."""
    for p in (0.0, 0.25):
        layers = list(DROPPING[name](p).modules())
        found = [layer.p for layer in layers if isinstance(layer, nn.Dropout)]
        found += [layer.dropout for layer in layers if getattr(layer, "num_layers", 0) > 1]
        assert found and set(found) == {p}


@pytest.mark.parametrize("name", ["VisionTransformer", "TextTransformer", "AudioTransformer", "VideoAttention",
                                  "CausalTransformer", "WhisperEncoder"])
def test_transformers_normalise_first(name):
    layers = [layer for layer in DROPPING[name](0.0).modules() if hasattr(layer, "norm_first")]
    assert len(layers) >= 2 and all(layer.norm_first for layer in layers)


@pytest.mark.parametrize("height, width, channels", [(2, 3, 8), (3, 2, 12), (1, 1, 4), (4, 4, 16)])
def test_places_are_sines_and_cosines_of_the_row_and_the_column(height, width, channels):
    """Of frequencies from a quarter of a turn for each step down to an eighth of a turn for the longer side."""
    n = channels // 4
    turns = [1 / 4 * (2 * max(height, width)) ** (-k / max(n - 1, 1)) for k in range(n)]        # per step
    expected = [[f(2 * np.pi * turn * at) for f in (np.sin, np.cos) for at in (row, column) for turn in turns]
                for row in range(height) for column in range(width)]
    np.testing.assert_allclose(grid_positions(height, width, channels), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["ConvEncoder", "ResidualEncoder", "ResidualEncoder_deep"])
def test_places_are_added_last(name, rng):
    encoder = CASES[name][1](rng).to(np.float64).eval()
    images = rng.standard_normal((2, 2, 8, 8))
    whole = encoder(images).sequence.data
    positions = encoder.positions.data.copy()
    encoder.positions.data[...] = 0
    np.testing.assert_allclose(whole - encoder(images).sequence.data, np.broadcast_to(positions, whole.shape),
                               atol=1e-12)


@pytest.mark.parametrize("name", ["VideoRecurrent_gru", "VideoRecurrent_lstm"])
def test_the_pooled_vector_is_what_came_out_last(name, rng):
    encoder, mask = CASES[name][1](rng), np.array([[True, True, True], [True, False, False]])
    encoded = encoder(*VIDEO.inputs(rng, mask), mask)
    np.testing.assert_array_equal(encoded.pooled.data, encoded.sequence.data[[0, 1], [2, 0]])


def test_the_last_convolution_of_a_video_is_not_halved(rng):
    """Of frames with one pixel left there is nothing to halve."""
    encoder = encoders.VideoConv3d((4, 8), channels=2, rng=rng)
    assert encoder(rng.standard_normal((1, 3, 2, 2, 2)).astype(np.float32)).sequence.shape == (1, 3, 8)


def test_front_ends_know_their_width(rng):
    front = encoders.ConvSubsampling(6, 8, (2, 3), 1, rng=rng)
    assert (front.bands, front.width, front.halvings) == (6, 8, 1)
    assert all(DROPPING[name](0.0).front.halvings == 1 for name in ("AudioTransformer", "AudioRecurrent"))
