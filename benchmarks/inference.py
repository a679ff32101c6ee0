"""What using a trained model costs: forward passes without gradients, and a whole caption, against eager PyTorch.

Both sides have the same weights and are in evaluation; tinymm runs under `no_grad`, PyTorch under `inference_mode`.
Before anything is timed they must give the same numbers. Where onnx and onnxruntime are installed, ONNX Runtime takes
part in each forward pass, with PyTorch's model as PyTorch writes it for it; a captioner decodes in a loop of Python,
which is no such model.

    python -m benchmarks.inference --json inference.json
"""

import io
import warnings
from functools import cache

import numpy as np

import tinymm as tm
from tinymm import nn
from tinymm.encoders import ResidualEncoder, VisionTransformer
from tinymm.mapping import greedy, next_word
from tinymm.recipes.captioning import FOLDER, MAX_LENGTH, SHAPES, build, config_of

from .harness import alternate, announced, clock_for, compare, parse_arguments, report
from .machine import peer, use_threads

__all__ = ["ROWS", "main"]

SIZE = 32  # of images
BOS, EOS = 1, 2


def encoder(batch, T=128, D=512, heads=8, layers=6):
    """A row: a stack of post-norm Transformer layers over (batch, T, D)."""
    def row(torch, rng):
        ours = nn.TransformerEncoder([nn.TransformerEncoderLayer(D, heads, 4 * D, 0.0, rng=rng)
                                      for _ in range(layers)])
        theirs = torch and peers().encoder_stack(layers, D, heads, 4 * D)
        return forward(torch, ours, theirs, rng.standard_normal((batch, T, D), np.float32))

    return row


def image_encoder(name, kind, batch):
    """A row: an image encoder with the sizes it has by default."""
    def row(torch, rng):
        images = rng.standard_normal((batch, 3, SIZE, SIZE), np.float32)
        return forward(torch, kind(rng=rng), torch and getattr(peers(), name)(), images, lambda y: y.sequence)

    return row


def lstm(batch=64, T=40, D=256):
    """A row: one layer over (batch, T, D)."""
    def row(torch, rng):
        theirs = torch and torch.nn.LSTM(D, D, batch_first=True)
        return forward(torch, nn.LSTM(D, D, rng=rng), theirs, rng.standard_normal((batch, T, D), np.float32),
                       lambda y: y[0], lambda y: y[0])

    return row


def caption(setting, vocabulary, batch):
    """A row: greedy captions of the recipe's captioner for a batch of images, none of which closes early."""
    def row(torch, rng):
        config = config_of(setting | {"dropout": 0.0, "context_dropout": 0.0}, size=SIZE, vocabulary=vocabulary)
        ours = build(config, rng).eval()
        ours.words.bias.data[EOS] = -1e3
        images = rng.standard_normal((batch, 3, SIZE, SIZE), np.float32)
        found = {"tinymm": lambda: np.array(greedy(next_word(ours, images), batch, BOS, EOS, MAX_LENGTH))}
        if torch:
            from .captioner_torch import TorchCaptioner
            theirs = loaded(torch, TorchCaptioner(config), ours)
            given = torch.from_numpy(images)
            found["PyTorch"] = inferring(torch, lambda: peers().captions(theirs, given, BOS, MAX_LENGTH))
            same = (found["tinymm"]() == found["PyTorch"]()).mean()
            assert same > 0.95, f"captions differ: {same:.3f} of the words are the same"    # a few hang on rounding
        return found

    return row


def several(images):
    """How many, in words: 1 image, 32 images."""
    return f"{images} image{'s' * (images > 1)}"


ROWS = {
    **{f"Transformer encoder, 6 layers, {batch} × 128 × 512, 8 heads": encoder(batch) for batch in (1, 8)},
    **{f"ResNet of 13 convolutions 3×3, {several(batch)} of 32×32":
       image_encoder("ResidualEncoder", ResidualEncoder, batch)
       for batch in (1, 32)},
    **{f"Vision Transformer, 4 layers of 64, {several(batch)} of 32×32":
       image_encoder("VisionTransformer", VisionTransformer, batch) for batch in (1, 32)},
    "LSTM, 64 sequences of 40 steps, width 256": lstm(),
    **{f"captioner of shapes, {MAX_LENGTH} words, {several(batch)}": caption(SHAPES, 35, batch) for batch in (1, 32)},
    **{f"captioner of emoji, {MAX_LENGTH} words, {several(batch)}": caption(FOLDER, 1241, batch) for batch in (1, 32)},
}


def peers():
    """The models in PyTorch; imports it."""
    from . import inference_torch
    return inference_torch


def loaded(torch, theirs, ours):
    """PyTorch's model with the weights of ours, in evaluation."""
    theirs.load_state_dict({name: torch.from_numpy(np.asarray(a)) for name, a in ours.state_dict().items()})
    return theirs.eval()


def inferring(torch, run):
    """The function under `inference_mode`, its result an array."""
    def answer():
        with torch.inference_mode():
            return run().numpy()

    return answer


def forward(torch, ours, theirs, x, of_ours=lambda y: y, of_theirs=lambda y: y):
    """{library: function} of one forward pass, after a check; of_ours and of_theirs take the result out of the output.
    """
    ours.eval()

    def run():
        with tm.no_grad():
            return of_ours(ours(tm.tensor(x))).data

    found = {"tinymm": run}
    if torch:
        theirs, given = loaded(torch, theirs, ours), torch.from_numpy(x)
        if runtime() is not None:
            found["ONNX Runtime"] = in_runtime(torch, theirs, given)
        found["PyTorch"] = inferring(torch, lambda: of_theirs(theirs(given)))
        for other in list(found.values())[1:]:
            np.testing.assert_allclose(run(), other(), rtol=1e-3, atol=1e-3, err_msg="results differ")
    return found


@cache
def runtime():
    """ONNX Runtime, or None unless it and onnx, with which PyTorch writes its files, are installed."""
    return peer("onnx") and peer("onnxruntime")


def in_runtime(torch, model, given):
    """The function that runs PyTorch's model in ONNX Runtime, with as many threads as PyTorch has; its first output."""
    file = io.BytesIO()
    with warnings.catch_warnings():                         # that this way of writing is the older one
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (given,), file, dynamo=False, input_names=["x"])
    options = runtime().SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = runtime().InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": given.numpy()})[0]


def main(argv=None):
    """Time each row."""
    options = parse_arguments("forward passes without gradients, and captions", repeats=9, threads=1, argv=argv)
    use_threads(options.threads)
    torch = peer("torch")
    found = []
    for name, row in announced(ROWS):
        candidates = row(torch, np.random.default_rng(0))
        seconds = alternate(candidates, options.repeats, clock=clock_for(options.threads), settle=0.15)
        found.append(compare(name, seconds, list(candidates)[-1]))
    report(found, options.json, options.threads)


if __name__ == "__main__":
    main()
