"""Rows of the fusions of sequences; `cases.py` adds them to its table."""

from tinymm import fusion

from . import slow_sequences as slow

__all__ = ["rows"]


def rows(Case, TWO, THREE):
    """Name → Case."""
    return {
        "EarlyFusion": Case(lambda rng: fusion.EarlyFusion(TWO, 4, 2, 2, rng=rng), slow.early, "joined"),
        "EarlyFusion_three": Case(lambda rng: fusion.EarlyFusion(THREE, 4, 1, 1, 5, rng=rng), slow.early, "joined"),
        "PrefixFusion": Case(lambda rng: fusion.PrefixFusion(TWO, 4, 2, 2, 6, rng=rng), slow.prefix, ordered=(0,)),
        "JoinedChannels": Case(lambda rng: fusion.JoinedChannels(THREE, 4, rng=rng), slow.joined_channels, "aligned"),
        "IntermediateFusion": Case(lambda rng: fusion.IntermediateFusion(TWO, 4, heads=2, feedforward=6, rng=rng),
                                   slow.intermediate, "streams"),
        "IntermediateFusion_ends": Case(lambda rng: fusion.IntermediateFusion(THREE, 4, 1, (0, 1), 2, 5, rng=rng),
                                        slow.intermediate, "streams"),
        "IntermediateFusion_none": Case(lambda rng: fusion.IntermediateFusion(TWO, 4, 1, (), 2, 5, rng=rng),
                                        slow.intermediate, "streams"),
        "ParallelCoAttention": Case(lambda rng: fusion.ParallelCoAttention(TWO, 4, rng=rng),
                                    slow.parallel_co_attention, "none"),
        "AlternatingCoAttention": Case(lambda rng: fusion.AlternatingCoAttention(TWO, 4, rng=rng),
                                       slow.alternating_co_attention, "none"),
        "CoAttentionBlock": Case(lambda rng: fusion.CoAttentionBlock(TWO, 4, 2, (6, 7), rng=rng),
                                 slow.co_attention_block, "streams"),
        "CausalCoAttention": Case(lambda rng: fusion.CausalCoAttention(TWO, 4, 2, rng=rng),
                                  slow.causal_co_attention, ordered=(0,)),
        "GlimpseFusion": Case(lambda rng: fusion.GlimpseFusion(TWO, 4, 2, 6, rng=rng), slow.glimpses, "none"),
        "MulTFusion": Case(lambda rng: fusion.MulTFusion(TWO, 4, 2, 2, rng=rng), slow.mult, "streams",
                           ordered=(0, 1)),
        "MulTFusion_three": Case(lambda rng: fusion.MulTFusion(THREE, 3, 1, 1, positions=False, rng=rng),
                                 slow.mult, "streams"),
        "BottleneckFusion": Case(
            lambda rng: fusion.BottleneckFusion(TWO, 4, layers=3, exchange_from=1, bottlenecks=2, heads=2, rng=rng),
            slow.bottleneck, "streams"),
        "BottleneckFusion_three": Case(
            lambda rng: fusion.BottleneckFusion(THREE, 4, layers=2, exchange_from=0, bottlenecks=1, heads=1, rng=rng),
            slow.bottleneck, "streams"),
        "GatedCrossAttention": Case(lambda rng: fusion.GatedCrossAttention(TWO, 4, 2, 6, rng=rng), slow.gated),
        "PerceiverResampler": Case(lambda rng: fusion.PerceiverResampler(THREE, 4, 2, heads=2, rng=rng),
                                   slow.perceiver, "none"),
        "QueryingTransformer": Case(lambda rng: fusion.QueryingTransformer(TWO, 4, 2, heads=2, rng=rng),
                                    slow.querying),
        "QueryingTransformer_contrast": Case(
            lambda rng: fusion.QueryingTransformer(TWO, 4, 2, heads=2, objective="contrast", rng=rng), slow.querying),
        "QueryingTransformer_generation": Case(
            lambda rng: fusion.QueryingTransformer(TWO, 4, 2, heads=2, objective="generation", rng=rng),
            slow.querying, ordered=(0,)),
    }
