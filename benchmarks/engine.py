"""What the tape costs: long chains of ops on so few numbers that arithmetic takes no time.

Forward and backward through some 2,000 ops, divided by their number. Every candidate computes the same gradients,
which is checked before anything is timed.

    python -m benchmarks.engine --json engine.json
"""

import numpy as np

import tinymm as tm
import tinymm.functional as F

from .harness import alternate, announced, clock_for, compare, parse_arguments, report
from .machine import peer, use_threads

__all__ = ["CHAINS", "candidates", "main"]

STEPS = 500


def mixed(tanh, x, a, b, c):
    """Four ops a step: multiply, add, tanh, subtract."""
    for _ in range(STEPS):
        x = tanh(x * a + b) - c
    return x


def tanhs(tanh, x):
    """One op a step, and nothing else to share the cost of a call."""
    for _ in range(4 * STEPS):
        x = tanh(x)
    return x


def matmuls(tanh, x, w):
    """Products of 4x4 matrices."""
    for _ in range(4 * STEPS):
        x = x @ w
    return x


# name -> (the chain, shape of its inputs, how many of them ask for a gradient)
CHAINS = {
    "mixed": (mixed, [(4,)] * 4, 1),
    "mixed, all inputs ask for gradients": (mixed, [(4,)] * 4, 4),
    "tanh": (tanhs, [(4,)], 1),
    "matmul 4x4": (matmuls, [(4, 4)] * 2, 2),
}


def with_tinymm(chain, arrays, asking):
    def run():
        inputs = [tm.tensor(a, requires_grad=i < asking) for i, a in enumerate(arrays)]
        chain(F.tanh, *inputs).sum().backward()
        return [x.grad for x in inputs[:asking]]

    return run


def with_torch(torch, chain, arrays, asking):
    def run():
        inputs = [torch.tensor(a, requires_grad=i < asking) for i, a in enumerate(arrays)]
        chain(torch.tanh, *inputs).sum().backward()
        return [x.grad.numpy() for x in inputs[:asking]]

    return run


def with_autograd(anp, chain, arrays, asking):
    from autograd import grad

    pull = grad(lambda *inputs: anp.sum(chain(anp.tanh, *inputs)), tuple(range(asking)))
    return lambda: pull(*arrays)


def with_mygrad(mygrad, chain, arrays, asking):
    def run():
        inputs = [mygrad.tensor(a, constant=i >= asking) for i, a in enumerate(arrays)]
        chain(mygrad.tanh, *inputs).sum().backward()
        return [x.grad for x in inputs[:asking]]

    return run


PEERS = {"PyTorch": ("torch", with_torch), "autograd": ("autograd.numpy", with_autograd),
         "MyGrad": ("mygrad", with_mygrad)}


def candidates(chain, shapes, asking, libraries):
    """For each library the function to time, after a check that all give the same gradients."""
    rng = np.random.default_rng(0)
    arrays = [rng.uniform(0.5, 1.0, shape).astype(np.float32) for shape in shapes]
    if chain is matmuls:
        arrays[1] = np.linalg.qr(arrays[1])[0]  # a rotation: 2,000 of them neither grow nor shrink
    runs = {"tinymm": with_tinymm(chain, arrays, asking)}
    runs.update((name, prepare(library, chain, arrays, asking)) for name, (library, prepare) in libraries.items())
    expected = runs["tinymm"]()
    for name, run in runs.items():
        for ours, theirs in zip(expected, run(), strict=True):
            np.testing.assert_allclose(theirs, ours, rtol=1e-3, atol=1e-4,
                                       err_msg=f"{name}: the gradient differs from tinymm's")
    return runs


def main(argv=None):
    """Time every chain with every library that is installed."""
    options = parse_arguments("the cost of the tape, in microseconds per op", repeats=20, threads=1, argv=argv)
    use_threads(options.threads)
    libraries = {name: (peer(module), prepare) for name, (module, prepare) in PEERS.items()}
    libraries = {name: pair for name, pair in libraries.items() if pair[0] is not None}
    found = []
    for name, (chain, shapes, asking) in announced(CHAINS):
        seconds = alternate(candidates(chain, shapes, asking, libraries), options.repeats,
                            clock=clock_for(options.threads))
        baseline = "PyTorch" if "PyTorch" in seconds else "tinymm"
        found.append(compare(f"{name}, {4 * STEPS} ops", seconds, baseline, "µs per op", 1e6 / (4 * STEPS)))
    report(found, options.json, options.threads)


if __name__ == "__main__":
    main()
