"""One row per encoder: how to build a small one, and what it reads. The tests of `test_contract.py` go over all."""

from dataclasses import dataclass

import numpy as np

import tinymm as tm
from tinymm import encoders

V, E, C, BANDS = 11, 5, 4, 6  # words, width of a word vector, width of a context, frequency bands
UNUSED = V - 1  # a word that stands nowhere but under padding


@dataclass(frozen=True)
class Modality:
    """What goes in.

    Attributes
    ----------
    inputs : callable
        rng, mask (B, T) → list of arrays, the first of which the mask belongs to.
    hide : callable or None
        encoder, inputs, mask, value → inputs in which `value` stands wherever the mask is False. None where a mask
        hides features and not what they are made of.
    call : callable
        encoder, inputs, mask → Encoded.
    """

    inputs: callable
    hide: callable = None
    call: callable = lambda encoder, inputs, mask: encoder(inputs[0], mask)


def hide_frames(encoder, inputs, mask, value):
    x = inputs[0].copy()
    x[~mask] = value
    return [x, *inputs[1:]]


def hide_words(encoder, inputs, mask, value):
    """The word under padding is one whose vector is `value`."""
    encoder.embedding.weight.data[UNUSED] = value
    return [np.where(mask, inputs[0], UNUSED), *inputs[1:]]


def draw_words(rng, mask):
    return rng.integers(0, UNUSED, mask.shape)


IMAGE = Modality(lambda rng, mask: [rng.standard_normal((len(mask), 2, 8, 8))])
GUIDED = Modality(lambda rng, mask: [rng.standard_normal((len(mask), 2, 8, 8)), rng.standard_normal((len(mask), C))],
                  call=lambda encoder, inputs, mask: encoder(inputs[0], mask, context=inputs[1]))
PICTURE = Modality(  # 8 bits a channel, as in a file, for encoders that have no gradient of their images
    lambda rng, mask: [rng.integers(0, 256, (len(mask), 3, 8, 8))],
    call=lambda encoder, inputs, mask: encoder((inputs[0] / 255).astype(next(encoder.parameters()).dtype), mask))
TEXT = Modality(lambda rng, mask: [draw_words(rng, mask)], hide_words)
PREFIX = Modality(lambda rng, mask: [draw_words(rng, mask), rng.standard_normal((len(mask), C))], hide_words,
                  lambda reader, inputs, mask: reader(inputs[0], mask, context=inputs[1]))
AUDIO = Modality(lambda rng, mask: [rng.standard_normal((*mask.shape, BANDS))], hide_frames)
VIDEO = Modality(lambda rng, mask: [rng.standard_normal((*mask.shape, 2, 4, 4))], hide_frames)


def frame_encoder(rng, channels=2):
    return encoders.ConvEncoder(((3,), (4,)), 4, channels, glance=1, rng=rng)


# name, that of the class and perhaps `_` and a variant -> (modality, a function of a Generator that builds it)
CASES = {
    "ConvEncoder": (IMAGE, lambda rng: encoders.ConvEncoder(((4,), (8,)), 8, channels=2, glance=2, rng=rng)),
    "ConvEncoder_brightness": (IMAGE, lambda rng: encoders.ConvEncoder(((4,), (8,)), 8, 2, 1, True, rng=rng)),
    "ConvHistogramEncoder": (PICTURE, lambda rng: encoders.ConvHistogramEncoder(((4,), (8,)), 8, 2, rng=rng)),
    "FiLMConvEncoder": (GUIDED, lambda rng: encoders.FiLMConvEncoder(C, ((4,), (8,)), 8, 2, 2, rng=rng)),
    "ResidualEncoder": (IMAGE, lambda rng: encoders.ResidualEncoder((4, 8), 1, 8, channels=2, rng=rng)),
    "ResidualEncoder_deep": (IMAGE, lambda rng: encoders.ResidualEncoder((2, 2, 4), 2, 8, channels=2, rng=rng)),
    "ResidualColourEncoder": (IMAGE, lambda rng: encoders.ResidualColourEncoder((4, 8), 1, 8, 2, 5, rng=rng)),
    "VisionTransformer": (IMAGE, lambda rng: encoders.VisionTransformer(8, 2, 2, patch=4, size=8, channels=2, rng=rng)),
    "BagOfWords": (TEXT, lambda rng: encoders.BagOfWords(V, 6, rng=rng)),
    "TextCNN": (TEXT, lambda rng: encoders.TextCNN(V, 6, E, windows=(1, 2, 4), rng=rng)),
    "TextRNN_rnn": (TEXT, lambda rng: encoders.TextRNN(V, 6, E, "rnn", layers=2, rng=rng)),
    "TextRNN_lstm": (TEXT, lambda rng: encoders.TextRNN(V, 6, E, "lstm", rng=rng)),
    "TextRNN_gru": (TEXT, lambda rng: encoders.TextRNN(V, 6, E, "gru", rng=rng)),
    "TextTransformer": (TEXT, lambda rng: encoders.TextTransformer(V, 6, heads=2, rng=rng)),
    "CausalLSTM": (PREFIX, lambda rng: encoders.CausalLSTM(V, 6, embedding=E, context=C, rng=rng)),
    "CausalTransformer": (PREFIX, lambda rng: encoders.CausalTransformer(V, 6, heads=2, context=C, rng=rng)),
    "AudioRecurrent_gru": (AUDIO, lambda rng: encoders.AudioRecurrent(BANDS, 6, (2, 3), 1, 2, "gru", rng=rng)),
    "AudioRecurrent_lstm": (AUDIO, lambda rng: encoders.AudioRecurrent(BANDS, 6, (2, 3), 2, 1, "lstm", rng=rng)),
    "AudioTransformer": (AUDIO, lambda rng: encoders.AudioTransformer(BANDS, 8, (2, 3), 2, 1, 2, rng=rng)),
    "WhisperEncoder": (AUDIO, lambda rng: encoders.WhisperEncoder(BANDS, 8, 1, 2, rng=rng)),
    "VideoAttention": (VIDEO, lambda rng: encoders.VideoAttention(frame_encoder(rng), 6, layers=1, heads=2, rng=rng)),
    "VideoRecurrent_gru": (VIDEO, lambda rng: encoders.VideoRecurrent(frame_encoder(rng), 5, rng=rng)),
    "VideoRecurrent_lstm": (VIDEO, lambda rng: encoders.VideoRecurrent(frame_encoder(rng), 5, "lstm", rng=rng)),
    "VideoConv3d": (VIDEO, lambda rng: encoders.VideoConv3d((4, 8), channels=2, rng=rng)),
    "VideoRegions": (VIDEO, lambda rng: encoders.VideoRegions(frame_encoder(rng, 3 * 2), frames=5)),
}
# Parts of an encoder, which return no Encoded.
FRONT_ENDS = {"ConvSubsampling", "PatchEmbedding", "WhisperFront"}
OF_ONE_LENGTH = {"VideoRegions"}  # they take no shorter and no longer input
# Of an encoder of single frames these take the pooled vector: what its sequence alone needs is not used.
POOLING = ("VideoAttention", "VideoRecurrent")
UNUSED_PARAMETERS = ("encoder.norm.", "encoder.positions")


class Subject:
    """An encoder of the table in float64, every parameter away from its default of 1 or 0, and inputs for it.

    Attributes
    ----------
    encoder : Module
    inputs : list of arrays
    mask : boolean array (B, T)
        True for a first stretch of each row; of an image any regions may be hidden.
    """

    def __init__(self, name, seed, lengths=(5, 2, 3), dtype=np.float64):
        rng = np.random.default_rng(seed)
        self.modality, make = CASES[name]
        self.encoder = randomised(make(rng), rng).to(dtype)
        self.mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
        if self.modality in (IMAGE, GUIDED, PICTURE):
            self.mask = rng.random((len(lengths), np.prod(self.encoder.grid))) < 0.6
        self.inputs = [a.astype(dtype) if a.dtype.kind == "f" else a for a in self.modality.inputs(rng, self.mask)]

    def __call__(self, inputs=None, mask=None):
        """Encoded, of other inputs or without a mask if these are given."""
        return self.modality.call(self.encoder, self.inputs if inputs is None else inputs, mask)

    def hidden(self, value):
        """The inputs with `value` in place of all that the mask hides."""
        return self.modality.hide(self.encoder, self.inputs, self.mask, value)

    def function(self, mask, pick):
        """What to differentiate: a function of the floating inputs and of all parameters, and their values."""
        parameters = list(self.encoder.parameters())
        places = [i for i, a in enumerate(self.inputs) if a.dtype.kind == "f"]

        def f(*values):
            inputs = list(self.inputs)
            for i, value in zip(places, values):
                inputs[i] = value
            for parameter, value in zip(parameters, values[len(places):]):
                parameter.data, parameter._node = value.data, value._node
            return pick(self(inputs, mask))

        return f, [*(self.inputs[i] for i in places), *(p.data.copy() for p in parameters)]


def randomised(module, rng):
    """All parameters, norms too, away from their defaults of 1 and 0; in float64."""
    module.to(np.float64)
    for parameter in module.parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape) * 0.4
    return module


def gradients(subject, inputs, encoded, cotangents):
    """Name to gradient, of floating inputs ("input 0", ...) and parameters; cotangents of sequence and pooled."""
    leaves = {f"input {i}": x for i, x in enumerate(inputs) if isinstance(x, tm.Tensor)}
    leaves.update(subject.encoder.named_parameters())
    found = tm.grad(list(encoded[:2]), list(leaves.values()), cotangents, allow_unused=True)
    return {name: np.zeros(x.shape) if g is None else g.data for (name, x), g in zip(leaves.items(), found)}


def as_leaves(inputs):
    """Floating arrays as Tensors that ask for a gradient; the rest as it is."""
    return [tm.tensor(a, requires_grad=True) if a.dtype.kind == "f" else a for a in inputs]
