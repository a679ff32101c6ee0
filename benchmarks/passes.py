"""What elementwise layers cost at least: the passes over memory they are made of, each timed alone.

NumPy makes one pass per operation, PyTorch a few per layer. Here each kind of pass is timed over stretches that stay in
a core's cache, as in the layers; a layer's passes, counted from its code, add up to the least that it can cost on one
core, and half of that on two cores that never wait for each other. Where the half is more than PyTorch takes, no
arrangement of these passes can keep up with it.

    python -m benchmarks.passes --json passes.json
"""

import math
from collections import Counter

import numpy as np

from .harness import alternate, announced, clock_for, compare, parse_arguments, report
from .layers import IN_A_ROW, LAYERS, candidates, repeated
from .machine import peer, use_threads

__all__ = ["KINDS", "PASSES", "floor", "main"]

WIDTH = 512  # of a row
STRETCH = 131072  # numbers at a time
TOTAL = 2**20  # numbers in all

KINDS = {   # name -> what one pass does to matrices x, y, z of some rows, a column c, a row r
    "z = x ⊙ y": lambda x, y, z, c, r: np.multiply(x, y, out=z),
    "x = x ⊙ y": lambda x, y, z, c, r: np.multiply(x, y, out=x),
    "x = number · x": lambda x, y, z, c, r: np.multiply(x, 1.0, out=x),
    "z = x ⊙ column": lambda x, y, z, c, r: np.multiply(x, c, out=z),
    "x = x ⊙ column": lambda x, y, z, c, r: np.multiply(x, c, out=x),
    "z = x ⊙ row": lambda x, y, z, c, r: np.multiply(x, r, out=z),
    "z = exp x": lambda x, y, z, c, r: np.exp(x, out=z),
    "z = tanh x": lambda x, y, z, c, r: np.tanh(x, out=z),
    "sum of each row": lambda x, y, z, c, r: x @ r,
    "sum of each column": lambda x, y, z, c, r: c[:, 0] @ x,
    "sum of x ⊙ y of each row": lambda x, y, z, c, r: np.vecdot(x, y),
}
NEW, IN_PLACE, NUMBER, COLUMN, COLUMN_IN_PLACE, ROW, EXP, TANH, SUM, COLUMN_SUM, DOT = KINDS

# layer -> how many passes of each kind it makes, forward + backward with all gradients
PASSES = {
    "layer_norm, 2048 rows of 512": Counter({COLUMN: 1, COLUMN_IN_PLACE: 2, ROW: 2, SUM: 1, DOT: 1})
    + Counter({ROW: 1, DOT: 1, SUM: 1, COLUMN: 1, COLUMN_IN_PLACE: 2, IN_PLACE: 1, NEW: 1, COLUMN_SUM: 2}),
    "gelu, 2048 rows of 512": Counter({NEW: 2, NUMBER: 9, IN_PLACE: 6, TANH: 1})
    + Counter({NEW: 1, NUMBER: 2, EXP: 1, IN_PLACE: 3}),
    "softmax, 2048 rows of 512": Counter({EXP: 1, SUM: 1, COLUMN_IN_PLACE: 1})
    + Counter({DOT: 1, COLUMN: 1, IN_PLACE: 1}),
    "cross_entropy, 1024 rows, 1241 words": Counter({COLUMN: 1, EXP: 1, SUM: 1}) + Counter({COLUMN: 1}),
}


def passes():
    """kind -> function that makes one such pass over 2²⁰ numbers."""
    x, y, z = np.random.default_rng(0).standard_normal((3, STRETCH // WIDTH, WIDTH), np.float32)
    np.sign(y, out=y)                                           # so that products in place stay in range
    c = np.ones((len(x), 1), np.float32)
    r = np.ones(WIDTH, np.float32)

    def whole(one):
        for _ in range(TOTAL // STRETCH):
            one(x, y, z, c, r)

    return {kind: lambda one=one: whole(one) for kind, one in KINDS.items()}


def floor(counts, cost):
    """What so many passes of each kind cost together.

    Examples
    --------
    >>> floor({"z = exp x": 2, "sum of each row": 1}, {"z = exp x": 0.5, "sum of each row": 0.25})
    1.25
    """
    return sum(n * cost[kind] for kind, n in counts.items())


def main(argv=None):
    """Time each kind of pass, and each layer beside PyTorch."""
    options = parse_arguments("layers, and the passes they are made of", repeats=9, threads=2, argv=argv)
    torch = peer("torch")
    use_threads(1)
    one_pass = alternate({kind: repeated(run) for kind, run in passes().items()}, options.repeats, warmup=1)
    cost = {kind: 1e3 / IN_A_ROW * float(np.median(seconds)) for kind, seconds in one_pass.items()}
    use_threads(options.threads)
    found = []
    floors = {}
    for name, counts in announced(PASSES):
        runs = {library: repeated(run) for library, run in candidates(torch, *LAYERS[name]).items()}
        seconds = alternate(runs, options.repeats, warmup=1, clock=clock_for(options.threads), settle=0.15)
        found.append(compare(name, seconds, list(runs)[-1], units_per_second=1e3 / IN_A_ROW))
        floors[name] = floor(counts, cost) * math.prod(LAYERS[name][2][0]) / TOTAL
    report(found, options.json, options.threads, passes=cost, floors=floors)
    print(f"\none pass over {TOTAL} float32 numbers in the cache, on one core, ms")
    print("\n".join(f"  {kind:<26}{ms:6.3f}" for kind, ms in cost.items()))
    print("\na layer's passes, ms: on one core, on two that never wait")
    for name, ms in floors.items():
        theirs = next(c for c in found if c.name == name).times.get("PyTorch")
        beside = "" if theirs is None else f" = {ms / 2 / theirs[1]:.2f} x PyTorch"
        print(f"  {name:<37}{PASSES[name].total():3} passes {ms:6.2f} {ms / 2:6.2f}{beside}")


if __name__ == "__main__":
    main()
