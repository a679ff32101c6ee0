"""What a word costs a decoder: with keys and values kept, and without, over the length of the text.

A stack of causal layers writes T words one after another, a batch of one, as a captioner or a language model does. Both
ways end in the same state, which is checked before anything is timed. Beside the seconds it shows the operations,
counted from the formula, and the power of T with which the time of a whole text grows. The longest of these texts is
then written beside PyTorch, which keeps keys and values too, and by the layers' textbook form, which takes no short way
for a single word. Last, each word of a long text is timed by itself, a batch as wide as a beam: with caches that
double, with caches that concatenate, and in PyTorch.

    python -m benchmarks.decoding --json decoding.json
"""

from dataclasses import asdict

from . import decoding_growth, laws
from .attention import decoding
from .harness import alternate, announced, clock_for, compare, parse_arguments, report
from .machine import peer, use_threads

__all__ = ["LENGTHS", "main", "operations"]

LENGTHS = (32, 64, 128, 256)
WIDTH = 256
HEADS = 8
LAYERS = 4
LONG = 1024  # words of the text whose words are timed one by one
BATCH = 4


def operations(words, D, layers, kept):
    r"""Operations of the products while T words are written.

    A layer has $12 D^2$ weights, each of which takes part in a multiplication and an addition per position; and a query
    meets n keys in $2 n D$ operations for its scores, and again for its sum. With a cache position t is computed once
    and meets t keys; without, word t takes t positions, each of which meets t keys.

    Examples
    --------
    >>> operations(2, 1, 1, True), operations(2, 1, 1, False)
    (60, 92)
    """
    total = 0
    for t in range(1, words + 1):
        positions = 1 if kept else t
        total += positions * (24 * D * D + 4 * t * D)
    return layers * total


def main(argv=None):
    """Time both ways at each length."""
    options = parse_arguments("a word of a decoder, with and without a cache", repeats=5, threads=1, argv=argv)
    use_threads(options.threads)
    comparisons = []
    rows = []
    for name, words in announced({f"{words} words": words for words in LENGTHS}):
        seconds = alternate(decoding(words, WIDTH, HEADS, LAYERS), options.repeats, warmup=0,
                            clock=clock_for(options.threads))
        found = compare(f"{name}, {LAYERS} layers of width {WIDTH}", seconds, "without", "ms a word", 1e3 / words)
        comparisons.append(found)
        for way, (_, milliseconds, _) in found.times.items():
            count = operations(words, WIDTH, LAYERS, way == "with a cache")
            rows.append({"way": way, "words": words, "words_per_second": 1e3 / milliseconds, "operations": count,
                         "operations_per_second": count / (milliseconds * 1e-3 * words)})
    fits = {way: laws.fit_power(LENGTHS, [row["words"] / row["words_per_second"] for row in rows if row["way"] == way])
            for way in ("with a cache", "without")}
    texts = decoding_growth.whole_texts(peer("torch"), LENGTHS[-1], WIDTH, HEADS, LAYERS)
    seconds = alternate(texts, options.repeats, clock=clock_for(options.threads), settle=0.15)
    beside = compare(f"{LENGTHS[-1]} words, {LAYERS} layers of width {WIDTH}, beside PyTorch", seconds, list(texts)[-1],
                     "ms a word", 1e3 / LENGTHS[-1])
    comparisons.append(beside)
    growth = decoding_growth.growth(decoding_growth.curves(LONG, WIDTH, HEADS, LAYERS, BATCH, options.repeats,
                                                           clock_for(options.threads)))
    report(comparisons, options.json, options.threads, rows=rows,
           exponents={way: asdict(fit) for way, fit in fits.items()}, growth=growth)
    print()
    for row in rows:
        print(f"{row['words']:5} words {row['way']:<13}{row['words_per_second']:8.0f} words a second, "
              f"{row['operations'] / 1e9:7.2f} GFLOP in all, {row['operations_per_second'] / 1e9:6.1f} GFLOP/s")
    for way, (_, milliseconds, _) in beside.times.items():
        print(f"{LENGTHS[-1]:5} words, {way:<13}{1e3 / milliseconds:8.0f} words a second")
    for way, fit in fits.items():
        print(f"{way}: the time of a text grows like T^{fit.exponent:.2f} (± {fit.error:.2f})")
    print("", f"A batch of {BATCH}, word by word:", *decoding_growth.lines(growth, LONG), sep="\n")


if __name__ == "__main__":
    main()
