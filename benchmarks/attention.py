"""What attention costs: each form over the length, beside the operations of its formula and the machine's own rate.

Every round runs all forms, PyTorch's, and one large matrix product, so that "fraction of the product's rate" is a ratio
within a round, like all others. Then: peak memory at 16,384 positions, a layer of the Transformer, and decoding with
and without a cache of keys and values.

    python -m benchmarks.attention --threads 2 --json attention.json
"""

import math
import tracemalloc
from dataclasses import asdict, dataclass

import numpy as np

import tinymm as tm
import tinymm.functional as F
from tinymm.cores import ceil_div, give_back
from tinymm.functional.attending.product import wants_tiles

from . import laws
from .harness import alternate, announced, clock_for, compare, parse_arguments, report, tenths
from .machine import peer, use_threads

__all__ = ["FORMS", "LENGTHS", "Cost", "candidates", "decoding", "encoder_layer", "main", "operations", "peak_memory"]

OWN = {"explicit": F.explicit_attention, "fused": F.fused_attention, "tiled": F.tiled_attention}
FORMS = OWN | {"chosen": F.scaled_dot_product_attention}
WIDTH = 64
LENGTHS = {128: 64, 256: 64, 512: 32, 1024: 16, 2048: 16, 4096: 8}  # T -> heads, in batches of 8 heads
WHOLE = 1024  # the longest for which forms that hold T × T matrices are run
ONE_PRODUCT = 2048  # rows, columns and depth of the product that measures the machine
LONG = (4096, 8192, 16384)  # lengths at which memory is measured
# operations in one timed run: short ones are repeated, as in training, where caches are warm and threads awake
AT_LEAST = 1e10


@dataclass(frozen=True)
class Cost:
    """One form at one length, by formula and by measurement."""

    name: str
    form: str
    operations: float
    bytes_moved: float  # nan where unknown
    seconds: float  # median
    operations_per_second: tuple  # 10 %, median, 90 %
    fraction_of_product: tuple
    peak_bytes: float  # beside the inputs; nan where unknown


def operations(form, N, T, S, D, is_causal, backward):
    """Floating-point operations of the products that a form makes of N heads, and half of them under a causal mask.

    Forward E = Q Kᵀ and Y = P V, backward Ȳ Vᵀ, Pᵀ Ȳ, S̄ K and S̄ᵀ Q: 12TSD. Tiles, PyTorch's fused kernel among them,
    make E again: 14TSD.

    Examples
    --------
    >>> operations("fused", 1, 10, 10, 2, False, True), operations("tiled", 1, 10, 10, 2, True, True)
    (2400.0, 1400.0)
    """
    chosen = form == "chosen" and wants_tiles(N, T, S, np.dtype(np.float32), backward)
    tiled = chosen or form in ("tiled", "PyTorch")
    return laws.operations("tiled" if tiled else "fused", N, T, S, D, backward=backward) / (2 if is_causal else 1)


def candidates(torch, forms, N, T, is_causal, backward, width=WIDTH):
    """{name: function that runs one form}, after a check that all give the same."""
    rng = np.random.default_rng(0)
    *arrays, g = (rng.standard_normal((ceil_div(N, 8), min(N, 8), T, width), np.float32) for _ in range(4))
    found = {name: ours(FORMS[name], arrays, g, is_causal, backward) for name in forms}
    if torch is not None:
        found |= theirs(torch, arrays, g, is_causal, backward, T <= WHOLE)
    results = {name: run() for name, run in found.items()}
    for result in results.values():
        for a, b in zip(result, results["tiled"], strict=True):
            np.testing.assert_allclose(np.asarray(a), b, rtol=1e-3, atol=1e-4 * np.abs(b).max(),
                                       err_msg="results differ")
    return found


def ours(form, arrays, g, is_causal, backward):
    inputs = [tm.tensor(a, requires_grad=backward) for a in arrays]

    def run():
        y = form(*inputs, is_causal=is_causal)
        return [d.data for d in tm.grad(y, inputs, g)] if backward else [y.data]

    return run


def theirs(torch, arrays, g, is_causal, backward, whole):
    """PyTorch's fused kernel and, if `whole`, its formulas on whole matrices ("math")."""
    backends = torch.nn.attention.SDPBackend
    attend = torch.nn.functional.scaled_dot_product_attention
    inputs = [torch.tensor(a, requires_grad=backward) for a in arrays]
    cotangent = torch.from_numpy(g)

    def with_backend(backend):
        def run():
            with torch.nn.attention.sdpa_kernel(backend):
                y = attend(*inputs, is_causal=is_causal)
            return torch.autograd.grad(y, inputs, cotangent) if backward else [y]

        return run

    math_path = {"PyTorch math": with_backend(backends.MATH)} if whole else {}
    return math_path | {"PyTorch": with_backend(backends.FLASH_ATTENTION)}


def one_product():
    a, b = np.random.default_rng(0).standard_normal((2, ONE_PRODUCT, ONE_PRODUCT), np.float32)
    out = np.empty_like(a)
    return lambda: np.matmul(a, b, out=out)


def peak_memory(run):
    """Bytes that NumPy held at most while it ran, its scratch memory included, beside what it held before."""
    give_back()
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def repeated(run, times):
    def several():
        for _ in range(times):
            run()

    return several


def over_lengths(torch, options):
    """A Comparison for each length, causal or not, forward alone or with backward; and the Cost of each form."""
    comparisons = []
    costs = []
    for T, N in announced(LENGTHS):
        forms = list(FORMS) if T <= WHOLE else ["tiled"]
        for is_causal in (False, True):
            for backward in (False, True):
                name = (f"attention, {N} heads, {T} positions of {WIDTH}{', causal' * is_causal}, "
                        f"forward{' and backward' * backward}")
                times = max(1, round(AT_LEAST / operations("tiled", N, T, T, WIDTH, is_causal, backward)))
                made = candidates(torch, forms, N, T, is_causal, backward)
                runs = {form: repeated(run, times) for form, run in made.items()} | {"a product": one_product()}
                seconds = alternate(runs, options.repeats, warmup=2, clock=clock_for(options.threads), settle=0.15)
                product = 2 * ONE_PRODUCT**3 / seconds.pop("a product")
                seconds = {form: s / times for form, s in seconds.items()}
                comparisons.append(compare(name, seconds, list(seconds)[-1]))
                for form, s in seconds.items():
                    count = operations(form, N, T, T, WIDTH, is_causal, backward)
                    moved = laws.traffic(form, N, T, T, WIDTH, is_causal, backward) if form in OWN else math.nan
                    peak = peak_memory(made[form]) if form in FORMS else math.nan
                    costs.append(Cost(name=name, form=form, operations=count, bytes_moved=moved,
                                      seconds=float(np.median(s)), operations_per_second=tenths(count / s),
                                      fraction_of_product=tenths(count / s / product), peak_bytes=peak))
    return comparisons, costs


def at_length(T):
    """Costs in memory of one head of T positions, forward and backward, tiled, without and with a causal mask."""
    rng = np.random.default_rng(0)
    *arrays, g = (rng.standard_normal((1, 1, T, WIDTH), np.float32) for _ in range(4))
    return [peak_memory(ours(F.tiled_attention, arrays, g, is_causal, True)) for is_causal in (False, True)]


def encoder_layer(torch, B=16, T=128, D=256, H=8, dropout=0.0):
    """{library: one training step of a Transformer encoder layer without its optimiser}:
    all gradients, of the input too."""
    rng = np.random.default_rng(0)
    layer = tm.nn.TransformerEncoderLayer(D, H, 4 * D, dropout, rng=rng)
    x = rng.standard_normal((B, T, D), np.float32)
    g = rng.standard_normal((B, T, D), np.float32)
    leaves = [tm.tensor(x, requires_grad=True), *layer.parameters()]
    found = {"tinymm": lambda: [d.data for d in tm.grad(layer(leaves[0]), leaves, g)]}
    if torch is not None:
        other = torch.nn.TransformerEncoderLayer(D, H, 4 * D, dropout, batch_first=True)
        other.load_state_dict({name: torch.from_numpy(np.asarray(a)) for name, a in layer.state_dict().items()})
        named = dict(other.named_parameters())
        inputs = [torch.tensor(x, requires_grad=True), *(named[name] for name, _ in layer.named_parameters())]
        found["PyTorch"] = lambda: torch.autograd.grad(other(inputs[0]), inputs, torch.from_numpy(g))
        for a, b in zip(found["tinymm"](), found["PyTorch"](), strict=True):
            np.testing.assert_allclose(a, b.numpy(), rtol=1e-3, atol=1e-4 * np.abs(a).max(), err_msg="gradients differ")
    return found


def decoding(words=256, D=256, H=8, layers=4):
    """{"with a cache", "without": function that makes so many words in turn}, after a check of their last states."""
    rng = np.random.default_rng(0)
    stack = tm.nn.TransformerEncoder([tm.nn.TransformerEncoderLayer(D, H, 4 * D, 0.0, rng=rng) for _ in range(layers)])
    x = rng.standard_normal((1, words, D), np.float32)

    def with_cache():
        cache = stack.new_cache()
        with tm.no_grad():
            for t in range(words):
                y = stack(tm.tensor(x[:, t:t + 1]), is_causal=True, cache=cache)
        return y.data[0, -1]

    def without():
        with tm.no_grad():
            for t in range(words):
                y = stack(tm.tensor(x[:, :t + 1]), is_causal=True)
        return y.data[0, -1]

    np.testing.assert_allclose(with_cache(), without(), atol=1e-4, err_msg="last states differ")
    return {"with a cache": with_cache, "without": without}


def table(costs):
    """The lines that show costs."""
    name = None
    lines = []
    for cost in costs:
        if cost.name != name:
            name = cost.name
            lines += ["", name]
        _, rate, _ = cost.operations_per_second
        low, fraction, high = cost.fraction_of_product
        lines.append(f"  {cost.form:<14}{cost.operations / 1e9:8.2f} GFLOP{rate / 1e9:8.0f} GFLOP/s"
                     f"  {fraction:5.2f} of a product's "
                     f"[{low:.2f} - {high:.2f}]{cost.bytes_moved / 1e6:11.1f} MB moved"
                     f"{cost.peak_bytes / 1e6:9.1f} MB at most")
    return [line.replace("nan", "  -") for line in lines]


def causal_gains(costs):
    """The lines that say how much faster a causal mask makes the tiled form and PyTorch, forward and backward."""
    seconds = {(cost.name, cost.form): cost.seconds for cost in costs}
    for (name, form), masked in seconds.items():
        whole = seconds.get((name.replace(", causal", ""), form))
        if form in ("tiled", "PyTorch") and ", causal" in name and "backward" in name and whole is not None:
            yield f"  {name}: {form} {whole / masked:.2f} times as fast as without the mask"


def main(argv=None):
    """Time and measure all of it."""
    options = parse_arguments("attention: each form, its memory, a Transformer layer, decoding", repeats=7, threads=2,
                              argv=argv)
    use_threads(options.threads)
    torch = peer("torch")
    clock = clock_for(options.threads)
    comparisons, costs = over_lengths(torch, options)
    runs = {library: repeated(run, 5) for library, run in encoder_layer(torch).items()}
    seconds = alternate(runs, options.repeats, warmup=1, clock=clock, settle=0.15)
    comparisons.append(compare("Transformer encoder layer, 16 × 128 × 256, 8 heads, forward and backward",
                               seconds, list(runs)[-1], units_per_second=1e3 / 5))
    seconds = alternate(decoding(), max(options.repeats // 2, 1), warmup=0, clock=clock)
    comparisons.append(compare("decoding 256 words, 4 layers of width 256", seconds, "without", "ms a word", 1e3 / 256))
    memory = {T: at_length(T) for T in LONG}
    report(comparisons, options.json, options.threads, costs=[asdict(cost) for cost in costs], peak_memory=memory)
    print(*table(costs), "", "what a causal mask saves", *causal_gains(costs), "",
          "peak memory, one head, forward and backward, beside inputs", sep="\n")
    for T, (full, causal) in memory.items():
        print(f"  {T:6} positions {full / 1e6:8.1f} MB, causal {causal / 1e6:8.1f} MB; "
              f"a {T} × {T} matrix {T * T * 4 / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
