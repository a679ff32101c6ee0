"""What every fusion costs: `nn.summary` counts what the formula says, in FLOPs of one example.

2 for each product of two numbers in a product of matrices, 2.5 n log₂ n for the Fourier transform of n real numbers;
sums, roots, softmax and products element by element count nothing.
"""

import math

import numpy as np
import pytest

import tinymm as tm
from tinymm import fusion

from .cases import THREE, TWO

T, N, D, R, H, LAYERS, CLASSES = 6, 9, 8, 3, 2, 3, 4  # words, regions, width, latents or rank, heads, layers, classes
DT, DI, DS = THREE["text"], THREE["image"], THREE["speech"]
BOTH, ALL = DT + DI, DT + DI + DS


def attention(queries, keys, query_width=D, memory_width=D):
    """Query and result, key and value, scores and sums."""
    return 4 * D * (queries * query_width + keys * memory_width + queries * keys)


def network(length, width=D):
    return 16 * length * width**2


def layer(queries, keys):
    return attention(queries, keys) + network(queries)


def both(cost):
    """Of text and image, each with itself."""
    return cost(T, T) + cost(N, N)


def fourier(n):
    return round(2.5 * n * math.log2(n))


def of(name, *arguments, widths=TWO, **options):
    return lambda rng: getattr(fusion, name)(widths, D, *arguments, **options, rng=rng)


def deciding(name, count=2):
    return lambda rng: getattr(fusion, name)(dict.fromkeys(list(THREE)[:count], CLASSES), rng=rng)


EMBEDDING = 2 * D * (T * DT + N * DI)
GLIMPSE = 2 * T * DT * DI + 4 * T * N * DI + 2 * T * D * BOTH  # scores h W vᵀ, what is seen, and a layer over both
VECTORS = {
    "ConcatenationFusion": (of("ConcatenationFusion"), 2 * D * BOTH),
    "ConcatenationFusion_three": (of("ConcatenationFusion", widths=THREE), 2 * D * ALL),
    "AdditionFusion": (of("AdditionFusion"), 2 * D * BOTH),
    "AdditionFusion_three": (of("AdditionFusion", widths=THREE), 2 * D * ALL),
    "GatingFusion": (of("GatingFusion"), 2 * D * BOTH + 2 * 2 * BOTH),
    "GatingFusion_three": (of("GatingFusion", widths=THREE), 2 * D * ALL + 2 * 3 * ALL),
    "GatedMultimodalUnit": (of("GatedMultimodalUnit"), 2 * D * BOTH + 2 * D * BOTH),
    "GatedMultimodalUnit_three": (of("GatedMultimodalUnit", widths=THREE), 2 * D * ALL + 3 * 2 * D * ALL),
    "FiLMFusion": (of("FiLMFusion"), 2 * D * DT + 4 * D * DI),
    "BilinearFusion": (of("BilinearFusion"), 2 * D * DT * DI),
    "MLBFusion": (of("MLBFusion", 7), 2 * 7 * BOTH + 2 * 7 * D),
    "MFBFusion": (of("MFBFusion", 5), 2 * 5 * D * BOTH),
    "MFHFusion": (of("MFHFusion", 5, 4), 2 * 5 * D * BOTH),  # 4 blocks of a quarter of the width
    "MUTANFusion": (of("MUTANFusion", 7, R), 2 * 7 * BOTH + 4 * R * 7**2 + 2 * 7 * D),
    "BLOCKFusion": (of("BLOCKFusion", 7, 3, R), 2 * 7 * BOTH + 4 * R * (3**2 + 3**2 + 1) + 2 * 7 * D),
    "MCBFusion": (of("MCBFusion"), 3 * fourier(D)),  # two there, one back; a sketch only moves numbers
    "TensorFusion": (of("TensorFusion"), 2 * D * (DT + 1) * (DI + 1)),
    "TensorFusion_three": (of("TensorFusion", widths=THREE), 2 * D * (DT + 1) * (DI + 1) * (DS + 1)),
    "LowRankFusion": (of("LowRankFusion", R), 2 * R * D * BOTH + 2 * R * D),
    "LowRankFusion_three": (of("LowRankFusion", R, widths=THREE), 2 * R * D * ALL + 2 * R * D),
    "MissingTokens": (lambda rng: fusion.MissingTokens(of("FiLMFusion")(rng), rng=rng), 2 * D * DT + 4 * D * DI),
    "ModalityDropout": (lambda rng: fusion.ModalityDropout(of("BilinearFusion")(rng), 0.5, rng=rng), 2 * D * DT * DI),
}
DECISIONS = {
    "MeanOfDecisions": (deciding("MeanOfDecisions"), 0),
    "ProductOfExperts": (deciding("ProductOfExperts"), 0),
    "WeightedDecisions": (deciding("WeightedDecisions"), 0),
    "StackedDecisions": (deciding("StackedDecisions"), 2 * CLASSES * 2 * CLASSES),
    "StackedDecisions_three": (deciding("StackedDecisions", 3), 2 * CLASSES * 3 * CLASSES),
}
SEQUENCES = {
    "AttentionFusion": (of("AttentionFusion", H),
                        2 * D * (T * DT + 2 * N * DI) + 4 * T * N * D + 2 * T * D * (DT + D)),
    "HardAttentionFusion": (of("HardAttentionFusion"), GLIMPSE + 2 * T * DT),  # and a baseline for each word
    "GumbelAttentionFusion": (of("GumbelAttentionFusion"), GLIMPSE),
    "AtEachPosition": (lambda rng: fusion.AtEachPosition(of("ConcatenationFusion")(rng)), 2 * T * D * BOTH),
    "AtEachPosition_mlb": (lambda rng: fusion.AtEachPosition(of("MLBFusion", 7)(rng)),  # the image's map only once
                           2 * 7 * (T * DT + DI) + 2 * T * 7 * D),
    "EarlyFusion": (of("EarlyFusion", LAYERS, H), EMBEDDING + LAYERS * layer(T + N, T + N)),
    "PrefixFusion": (of("PrefixFusion", LAYERS, H), EMBEDDING + LAYERS * layer(T + N, T + N)),
    "JoinedChannels": (of("JoinedChannels"), 2 * T * D * BOTH),
    "IntermediateFusion": (of("IntermediateFusion", LAYERS, (0, 2), H),
                           EMBEDDING + LAYERS * both(layer) + 2 * (layer(T, N) + layer(N, T))),
    "ParallelCoAttention": (of("ParallelCoAttention"),
                            2 * (N * DI * DT + T * N * DT + D * (T * DT + N * DI) + 2 * T * N * D + (T + N) * D
                                 + T * DT + N * DI)),
    "AlternatingCoAttention": (of("AlternatingCoAttention"),
                               2 * (D * (2 * T * DT + N * DI + DT + DI) + (2 * T + N) * D + 2 * T * DT + N * DI)),
    "CoAttentionBlock": (of("CoAttentionBlock", H),
                         attention(T, N, DT, DI) + attention(N, T, DI, DT) + network(T, DT) + network(N, DI)),
    "CausalCoAttention": (of("CausalCoAttention", H),
                          2 * D * (3 * N * DI + 4 * T * DT) + 2 * T * (DT + D) * D + 6 * T * N * D + 4 * T * T * D
                          + 4 * H * T * T * N),
    "GlimpseFusion": (of("GlimpseFusion", R, 7),  # R glimpses, compared in width 7
                      2 * R * (2 * T * DT + 7 * DT + 7 * N + 2 * N * DI + 2 * D * (DI + DT)) + 2 * 7 * N * DI),
    "MulTFusion": (of("MulTFusion", H, LAYERS), EMBEDDING + LAYERS * (layer(T, N) + layer(N, T) + both(layer))),
    "BottleneckFusion": (of("BottleneckFusion", LAYERS, 1, R, H),
                         EMBEDDING + both(layer) + 2 * both(lambda n, _: layer(n + R, n + R))),
    "GatedCrossAttention": (of("GatedCrossAttention", H), attention(T, N, DT, DI) + network(T, DT)),
    "PerceiverResampler": (of("PerceiverResampler", R, LAYERS, H), EMBEDDING + LAYERS * layer(R, T + N + R)),
    "QueryingTransformer": (of("QueryingTransformer", R, LAYERS, H),
                            2 * T * DT * D + LAYERS * layer(R + T, R + T) + 2 * attention(R, N, D, DI)),
    "MissingTokens_sequences": (lambda rng: fusion.MissingTokens(of("JoinedChannels")(rng), rng=rng), 2 * T * D * BOTH),
}
FLOPS = VECTORS | DECISIONS | SEQUENCES


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("name", FLOPS)
def test_what_is_counted_is_what_the_formula_costs(name, batch, rng):
    make, expected = FLOPS[name]
    model = make(rng)
    aligned = "JoinedChannels" in (type(model).__name__, type(getattr(model, "fusion", None)).__name__)
    lengths = {"sequences": [(T,), (T if aligned else N,)]}.get(model.kind, [()] * len(model.modalities))
    inputs = tuple(rng.standard_normal((batch, *length, width), np.float32)
                   for length, width in zip(lengths, model.input_widths))
    assert tm.nn.summary(model, inputs).flops == batch * expected


@pytest.mark.parametrize("n", [1, 2, 7, 64, 1000])
def test_three_transforms_of_any_length(n, rng):
    """Odd and even; of a single number there is nothing to transform."""
    pool = fusion.MCBFusion(TWO, n, rng=rng)
    inputs = rng.standard_normal((1, DT), np.float32), rng.standard_normal((1, DI), np.float32)
    assert tm.nn.summary(pool, inputs).flops == 3 * fourier(n)


def test_every_fusion_has_its_formula():
    public = {name for name in fusion.__all__ if isinstance(getattr(fusion, name), type)
              and issubclass(getattr(fusion, name), tm.nn.Module)} - {"FusedClassifier", "FusedOverTime"}
    assert {name.partition("_")[0] for name in FLOPS} == public
