"""What each layer costs: forward and backward, all gradients, against PyTorch's layer of the same name.

Both get the same float32 numbers, and must give the same gradients before anything is timed. A layer is run several
times in a row, as in training, where the caches are warm and the threads awake; see `harness.alternate`.

    python -m benchmarks.layers --json layers.json
"""

import numpy as np

import tinymm as tm
import tinymm.functional as F

from .harness import alternate, announced, clock_for, compare, parse_arguments, report
from .machine import peer, use_threads

__all__ = ["LAYERS", "candidates", "main"]

IN_A_ROW = 5
ONE_LAYER = dict(has_biases=True, num_layers=1, dropout=0.0, train=True, bidirectional=False, batch_first=True)


def ours_lstm(x, *weights):
    zero = np.zeros((len(x), weights[1].shape[1]), np.float32)
    return F.lstm(x, zero, zero, *weights)[0]


def torch_lstm(torch, x, *weights):
    zero = torch.zeros(1, len(x), weights[1].shape[1])
    return torch.lstm(x, (zero, zero), weights, **ONE_LAYER)[0]


def ours_gru(x, *weights):
    return F.gru(x, np.zeros((len(x), weights[1].shape[1]), np.float32), *weights)[0]


def torch_gru(torch, x, *weights):
    return torch.gru(x, torch.zeros(1, len(x), weights[1].shape[1]), weights, **ONE_LAYER)[0]


def looked_up(torch_or_tinymm, weight):
    """1,024 rows of the table, each several times."""
    ids = np.arange(1024) * 7 % 500
    if torch_or_tinymm is F:
        return F.embedding(ids, weight)
    return torch_or_tinymm.nn.functional.embedding(torch_or_tinymm.from_numpy(ids), weight)


def convolution(batch, side, channels, out):
    """The row of LAYERS for a 3×3 convolution that keeps the size of its images."""
    return (lambda x, w, b: F.conv2d(x, w, b, padding=1), lambda torch, *a: torch.nn.functional.conv2d(*a, padding=1),
            [(batch, channels, side, side), (out, channels, 3, 3), (out,)])


def pooled(name):
    """The row of LAYERS for a pooling of 2×2 pixels."""
    return lambda x: getattr(F, name)(x, 2), lambda torch, x: getattr(torch.nn.functional, name)(x, 2), \
        [(32, 64, 16, 16)]


def word_loss(torch_or_tinymm, x):
    """Cross-entropy with labels 0, 7, 14, ... of the rows of x."""
    labels = np.arange(x.shape[0]) * 7 % x.shape[1]
    if torch_or_tinymm is F:
        return F.cross_entropy(x, labels)
    return torch_or_tinymm.nn.functional.cross_entropy(x, torch_or_tinymm.from_numpy(labels))


# name -> (ours of tensors, theirs of torch and tensors, the shapes of the inputs, all of which ask for a gradient)
LAYERS = {
    **{f"conv2d 3×3, {c} to {o} channels, {b} images of {s}×{s}": convolution(b, s, c, o)
       for b, s, c, o in [(32, 32, 16, 32), (32, 32, 32, 64), (32, 16, 64, 64), (64, 8, 128, 128)]},
    "conv_transpose2d 4×4, stride 2, 64 to 32 channels, 32 images of 8×8": (
        lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1),
        lambda torch, x, w: torch.nn.functional.conv_transpose2d(x, w, stride=2, padding=1),
        [(32, 64, 8, 8), (64, 32, 4, 4)]),
    "max_pool2d 2×2, 32 images of 64×16×16": pooled("max_pool2d"),
    "avg_pool2d 2×2, 32 images of 64×16×16": pooled("avg_pool2d"),
    "batch_norm, 32 images of 64×16×16": (
        lambda x, w, b: F.batch_norm(x, weight=w, bias=b, training=True),
        lambda torch, x, w, b: torch.nn.functional.batch_norm(x, None, None, weight=w, bias=b, training=True),
        [(32, 64, 16, 16), (64,), (64,)]),
    "lstm, 64 sequences of 40 steps, width 256": (
        ours_lstm, torch_lstm, [(64, 40, 256), (1024, 256), (1024, 256), (1024,), (1024,)]),
    "gru, 64 sequences of 40 steps, width 256": (
        ours_gru, torch_gru, [(64, 40, 256), (768, 256), (768, 256), (768,), (768,)]),
    "embedding, 1024 of 1241 words, width 128": (lambda w: looked_up(F, w), looked_up, [(1241, 128)]),
    "matmul, scores of 16 × 8 heads, 128 positions, width 32": (
        lambda q, k: q @ k.swapaxes(-1, -2), lambda torch, q, k: q @ k.mT, [(16, 8, 128, 32)] * 2),
    "linear, 2048 rows, 512 to 512": (
        F.linear, lambda torch, *a: torch.nn.functional.linear(*a), [(2048, 512), (512, 512), (512,)]),
    "layer_norm, 2048 rows of 512": (
        lambda x, w, b: F.layer_norm(x, 512, w, b),
        lambda torch, x, w, b: torch.nn.functional.layer_norm(x, (512,), w, b),
        [(2048, 512), (512,), (512,)]),
    "gelu, 2048 rows of 512": (F.gelu, lambda torch, x: torch.nn.functional.gelu(x), [(2048, 512)]),
    "softmax, 2048 rows of 512": (
        lambda x: F.softmax(x, -1), lambda torch, x: torch.nn.functional.softmax(x, -1), [(2048, 512)]),
    "cross_entropy, 1024 rows, 1241 words": (lambda x: word_loss(F, x), word_loss, [(1024, 1241)]),
}


def candidates(torch, ours, theirs, shapes):
    """{library: function that gives all gradients}, after a check that they agree.

    Weights, all inputs but the first, are scaled to keep the numbers near 1.
    """
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype(np.float32) / (1 if k == 0 else max(1, np.prod(shape[1:])) ** 0.5)
              for k, shape in enumerate(shapes)]
    arrays = [a.astype(np.float32) for a in arrays]
    leaves = [tm.tensor(a, requires_grad=True) for a in arrays]
    g = rng.standard_normal(ours(*leaves).shape).astype(np.float32)
    found = {"tinymm": lambda: [d.data for d in tm.grad(ours(*leaves), leaves, g)]}
    if torch is not None:
        inputs = [torch.tensor(a, requires_grad=True) for a in arrays]
        cotangent = torch.from_numpy(g)
        found["PyTorch"] = lambda: [d.numpy() for d in torch.autograd.grad(theirs(torch, *inputs), inputs, cotangent)]
        for a, b in zip(found["tinymm"](), found["PyTorch"](), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * np.abs(b).max(), err_msg="gradients differ")
    return found


def dropout(torch):
    """{library: dropout forward and backward}, of 2048 rows of 512. Each draws its own numbers: nothing to compare."""
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal((2, 2048, 512)).astype(np.float32)
    leaf = tm.tensor(x, requires_grad=True)
    found = {"tinymm": lambda: tm.grad(F.dropout(leaf, p=0.1, rng=rng), leaf, g)}
    if torch is not None:
        theirs = torch.tensor(x, requires_grad=True)
        cotangent = torch.from_numpy(g)
        found["PyTorch"] = lambda: torch.autograd.grad(torch.nn.functional.dropout(theirs, p=0.1),
                                                       theirs, cotangent)
    return found


def adam(torch):
    """{library: one AdamW step} over 32 matrices of 256×256."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((256, 256)).astype(np.float32) for _ in range(32)]
    parameters = [tm.nn.Parameter(a.copy()) for a in arrays]
    for p, a in zip(parameters, arrays):
        p.grad = a
    found = {"tinymm": tm.optim.AdamW(parameters, lr=1e-3).step}
    if torch is not None:
        theirs = [torch.nn.Parameter(torch.tensor(a)) for a in arrays]
        for p, a in zip(theirs, arrays):
            p.grad = torch.tensor(a)
        found["PyTorch"] = torch.optim.AdamW(theirs, lr=1e-3).step
    return found


def repeated(run):
    def several():
        for _ in range(IN_A_ROW):
            run()

    return several


def main(argv=None):
    """Time every layer."""
    options = parse_arguments("every layer, forward and backward", repeats=9, threads=2, argv=argv)
    use_threads(options.threads)
    torch = peer("torch")
    makers = {name: lambda layer=layer: candidates(torch, *layer) for name, layer in LAYERS.items()}
    makers["dropout, 2048 rows of 512"] = lambda: dropout(torch)
    makers["AdamW, 32 matrices of 256×256"] = lambda: adam(torch)
    found = []
    for name, make in announced(makers):
        runs = {library: repeated(run) for library, run in make().items()}
        seconds = alternate(runs, options.repeats, warmup=1, clock=clock_for(options.threads), settle=0.15)
        found.append(compare(name, seconds, list(runs)[-1], units_per_second=1e3 / IN_A_ROW))
    report(found, options.json, options.threads)


if __name__ == "__main__":
    main()
