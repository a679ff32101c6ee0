"""What attention costs, beside the laws of what it must cost: time and memory over length, width, heads and batch.

Each form and PyTorch's, forward and with backward, causal or not; each beside the operations, bytes and memory that
`laws` counts, and the seconds that they predict from measured rates of this machine. Then the exponents of power
laws fitted to what was measured.

    python -m benchmarks.costs --threads 2 --json costs.json --out plots
"""

import json
import sys
from dataclasses import asdict, dataclass

import numpy as np

from tinymm.extras import need
from tinymm.functional.attending.powers import base_for
from tinymm.machine.rates import best_time, gemm_rate

from . import laws
from .attention import FORMS, ONE_PRODUCT, candidates, one_product, operations, peak_memory, repeated
from .attention_peers import PEERS
from .harness import alternate, announced, clock_for, parse_arguments, report, tenths
from .machine import peer, use_threads
from .plots import draw_all

__all__ = ["SETTINGS", "Row", "Setting", "exponents", "main", "measure", "measured_rates"]

WHOLE = 2048  # the longest for which T × S matrices are held
OURS = ("explicit", "fused", "tiled")
AT_LEAST = 1e9  # operations in one timed run: short ones are repeated


@dataclass(frozen=True)
class Setting:
    """What is run. `axis` says which of the numbers is varied while the others stay."""

    axis: str
    B: int = 1
    H: int = 8
    T: int = 1024
    D: int = 64
    is_causal: bool = False
    backward: bool = True

    @property
    def name(self):
        return (f"B = {self.B}, H = {self.H}, T = {self.T}, D = {self.D}{', causal' * self.is_causal}, "
                f"forward{' and backward' * self.backward}")


SETTINGS = [
    *(Setting("T", T=T, is_causal=causal, backward=backward)
      for causal in (False, True) for backward in (False, True) for T in (128, 256, 512, 1024, 2048, 4096)),
    *(Setting("D", D=D) for D in (16, 32, 64, 128, 256)),
    *(Setting("H", H=H) for H in (1, 2, 4, 8)),
    *(Setting("B", B=B, T=512) for B in (1, 2, 4)),
]


# for the other libraries two lengths are enough
WITH_PEERS = [Setting("T", T=T) for T in (128, 512)]


@dataclass(frozen=True)
class Row:
    """One form in one setting: (10 %, median, 90 %) of what was measured, and what the laws say (None for PyTorch's).
    """

    setting: Setting
    form: str
    seconds: tuple
    of_pytorch: tuple | None  # time over PyTorch's in the same round
    of_products: tuple  # nominal operations per second over those of a large matrix product in the same round
    peak_bytes: float | None  # beside the inputs
    operations: float | None
    bytes_moved: float | None
    predicted_seconds: float | None
    predicted_bytes: float | None


def measured_rates(threads, widths):
    """This machine's `laws.Rates`, for these widths D."""
    def multiply(n):
        a = np.ones(n, np.float32)
        return 8 * n / best_time(lambda: np.multiply(a, 1.0, out=a), 0.2)

    scores = np.linspace(-10, 0, 2**16, dtype=np.float32)
    out = np.empty(2**16, np.float32)
    exponentials = scores.size / best_time(lambda: base_for(scores.dtype).power(scores, out=out), 0.2)
    limits = need("threadpoolctl", extra="threads", feature="measure one thread").threadpool_limits
    whole = {D: thin_rate(1024, 1024, D) for D in widths}
    with limits(1):
        tiles = {D: threads * thin_rate(laws.ROWS, laws.KEYS, D) for D in widths}
    a = np.ones(2**25, np.float32)
    kept = np.empty_like(a)
    fresh = best_time(lambda: np.multiply(a, 1.0), 0.2) - best_time(lambda: np.multiply(a, 1.0, out=kept), 0.2)
    return laws.Rates(products=gemm_rate(), whole=whole, tiles=tiles, memory=multiply(2**26), cache=multiply(2**16),
                      fresh=a.nbytes / fresh, exponentials=exponentials, threads=threads)


def thin_rate(T, S, D):
    """Operations per second of the two kinds of products in attention: (T, D) by (D, S), and (T, S) by (S, D)."""
    q = np.ones((T, D), np.float32)
    k = np.ones((S, D), np.float32)
    p = np.ones((T, S), np.float32)
    scores = np.empty((T, S), np.float32)
    result = np.empty((T, D), np.float32)
    seconds = (best_time(lambda: np.matmul(q, k.T, out=scores), 0.1)
               + best_time(lambda: np.matmul(p, k, out=result), 0.1))
    return 4 * T * S * D / seconds


def measure(torch, setting, rates, options):
    """The rows of one setting, all forms in turn."""
    N = setting.B * setting.H
    T = setting.T
    D = setting.D
    causal = setting.is_causal
    backward = setting.backward
    made = candidates(torch, OURS if T <= WHOLE else ["tiled"], N, T, causal, backward, D)
    if setting in WITH_PEERS:
        made |= peers(made["tiled"](), setting.B, setting.H, T, D)
    size = N, T, T, D
    times = max(1, round(AT_LEAST / operations("tiled", *size, causal, backward)))
    runs = {form: repeated(run, times) for form, run in made.items()} | {"a product": one_product()}
    # `candidates` has run each once
    seconds = alternate(runs, options.repeats, warmup=0, clock=clock_for(options.threads), settle=0.15)
    product = 2 * ONE_PRODUCT**3 / seconds.pop("a product")
    rows = []
    for form, taken in seconds.items():
        s = taken / times
        count = operations(form, *size, causal, backward)
        ours = form in FORMS
        rows.append(Row(
            setting=setting,
            form=form,
            seconds=tenths(s),
            of_pytorch=tenths(taken / seconds["PyTorch"]) if "PyTorch" in seconds else None,
            of_products=tenths(count / s / product),
            peak_bytes=peak_memory(made[form]) if ours else None,
            operations=laws.operations(form, *size, causal, backward) if ours else None,
            bytes_moved=laws.traffic(form, *size, causal, backward) if ours else None,
            predicted_seconds=laws.predicted_seconds(form, rates, *size, causal, backward) if ours else None,
            predicted_bytes=laws.memory(form, *size, backward, rates.threads) if ours else None))
    return rows


def peers(expected, B, H, T, D):
    """{library: its gradients by the formula}, after a check that they are right."""
    rng = np.random.default_rng(0)
    *arrays, g = (rng.standard_normal((B, H, T, D), np.float32) for _ in range(4))  # those of `candidates`
    found = {}
    for name, (module, prepare) in PEERS.items():
        library = peer(module)
        if library is not None:
            found[name] = prepare(library, arrays, g)
            for a, b in zip(found[name](), expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * np.abs(b).max(),
                                           err_msg=f"{name}: the gradient differs")
    return found


def exponents(rows):
    """{(axis, form, causal, backward): laws.Fit of the median time over that axis}; over T from 512 on.

    At shorter lengths the time is that of the calls, which follows another law.
    """
    curves = {}
    for row in rows:
        s = row.setting
        if s.axis != "T" or s.T >= 512:
            points = curves.setdefault((s.axis, row.form, s.is_causal, s.backward), [])
            points.append((getattr(s, s.axis), row.seconds[1]))
    return {key: laws.fit_power(*zip(*points)) for key, points in curves.items() if len(points) >= 3}


def table(rows, rates, fits):
    """The lines that show all of it."""
    thin = ", ".join(f"{D}: {rates.whole[D] / 1e9:.0f}, {rates.tiles[D] / 1e9:.0f}" for D in rates.whole)
    lines = [f"products of width D, whole and in tiles, GFLOP/s: {thin}",
             f"a large product {rates.products / 1e9:.0f} GFLOP/s; one thread: memory {rates.memory / 1e9:.1f} GB/s, "
             f"cache {rates.cache / 1e9:.1f} GB/s, fresh {rates.fresh / 1e9:.1f} GB/s, "
             f"{rates.exponentials / 1e9:.2f} billion exponentials a second"]
    last = None
    for row in rows:
        if row.setting != last:
            last = row.setting
            lines += ["", row.setting.name]
        ratio = f"{row.of_pytorch[1]:6.2f} x PyTorch" if row.of_pytorch else ""
        law = (f"  law {row.predicted_seconds * 1e3:9.2f} ms, {row.operations / row.bytes_moved:6.1f} operations/byte, "
               f"at most {row.peak_bytes / 1e6:7.1f} MB, law {row.predicted_bytes / 1e6:7.1f}") \
            if row.operations else ""
        lines.append(f"  {row.form:<13}{row.seconds[1] * 1e3:9.2f} ms "
                     f"[{row.seconds[0] * 1e3:.2f} - {row.seconds[2] * 1e3:.2f}]{ratio}"
                     f"  {row.of_products[1]:5.2f} of a product's rate{law}")
    lines += ["", "exponents: time grows like"]
    for (axis, form, causal, backward), fit in fits.items():
        what = f"{form}{', causal' * causal}, forward{' and backward' * backward}"
        power = f"{axis}^{fit.exponent:.2f} (± {fit.error:.2f})" if fit.error < laws.UNSURE else f"{axis}: no power"
        lines.append(f"  {power}  {what}")
    return lines


def draw(found, folder):
    """Draw the plots, each announced on stderr; a line says so where matplotlib is not installed."""
    try:
        paths = draw_all(json.loads(json.dumps(found)), folder)     # as `plots` reads it from a file
    except ImportError as error:
        print(f"no plots: {error}", file=sys.stderr)
        return
    for path in paths:
        print(f"plot: {path}", file=sys.stderr)


def main(argv=None):
    """Measure every setting."""
    options = parse_arguments("attention: what it costs and what it must cost", repeats=5, threads=2, argv=argv)
    use_threads(options.threads)
    torch = peer("torch")
    rates = measured_rates(options.threads, sorted({s.D for s in SETTINGS}))
    rows = []
    for _, setting in announced({setting.name + f" (over {setting.axis})": setting for setting in SETTINGS}):
        rows += measure(torch, setting, rates, options)
    fits = exponents(rows)
    found = report([], options.json, options.threads, rates=asdict(rates), costs=[asdict(row) for row in rows],
                   exponents=[{"axis": axis, "form": form, "is_causal": causal, "backward": backward, **asdict(fit)}
                              for (axis, form, causal, backward), fit in fits.items()])
    print("", *table(rows, rates, fits), sep="\n")
    if options.out:
        draw(found, options.out)


if __name__ == "__main__":
    main()
