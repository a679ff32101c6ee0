"""Rows of the table in `cases.py` for fusions of vectors, of decisions, and for what wraps fusions."""

import numpy as np

from tinymm import fusion

from . import slow
from . import slow_vectors as by

TWO = {"text": 5, "image": 3}
THREE = {"text": 4, "image": 3, "speech": 2}
CLASSES = {"text": 4, "image": 4}
CLASSES_OF_THREE = {"text": 3, "image": 3, "speech": 3}
PRIOR = np.array([0.5, 0.3, 0.2])


def vectors(make, slow, without_effect=()):
    return {"make": make, "slow": slow, "positions": "none", "without_effect": without_effect}


def sequences(make, slow, without_effect=()):
    return vectors(make, slow, without_effect) | {"positions": "first"}


def attention(rng):
    return fusion.AttentionFusion(TWO, 8, 2, rng=rng)


# The keys and values of a `Case`
ROWS = {
    "ConcatenationFusion": vectors(lambda rng: fusion.ConcatenationFusion(TWO, 7, rng=rng), by.concatenation),
    "ConcatenationFusion_three": vectors(lambda rng: fusion.ConcatenationFusion(THREE, 4, rng=rng), by.concatenation),
    "AdditionFusion": vectors(lambda rng: fusion.AdditionFusion(TWO, 7, rng=rng), by.addition),
    "AdditionFusion_three": vectors(lambda rng: fusion.AdditionFusion(THREE, 4, rng=rng), by.addition),
    "GatingFusion": vectors(lambda rng: fusion.GatingFusion(TWO, 7, rng=rng), by.gating),
    "GatingFusion_three": vectors(lambda rng: fusion.GatingFusion(THREE, 4, rng=rng), by.gating),
    "GatedMultimodalUnit": vectors(lambda rng: fusion.GatedMultimodalUnit(TWO, 7, rng=rng), by.gated_unit),
    "GatedMultimodalUnit_three": vectors(lambda rng: fusion.GatedMultimodalUnit(THREE, 4, rng=rng), by.gated_unit),
    "FiLMFusion": vectors(lambda rng: fusion.FiLMFusion(TWO, 7, rng=rng), by.film),
    "TensorFusion": vectors(lambda rng: fusion.TensorFusion(TWO, 7, rng=rng), by.tensor),
    "TensorFusion_three": vectors(lambda rng: fusion.TensorFusion(THREE, 4, rng=rng), by.tensor),
    "LowRankFusion": vectors(lambda rng: fusion.LowRankFusion(TWO, 7, 1, rng=rng), by.low_rank),
    "LowRankFusion_three": vectors(lambda rng: fusion.LowRankFusion(THREE, 4, 3, rng=rng), by.low_rank),
    "BilinearFusion": vectors(lambda rng: fusion.BilinearFusion(TWO, 7, rng=rng), by.bilinear),
    "MLBFusion": vectors(lambda rng: fusion.MLBFusion(TWO, 7, 6, rng=rng), by.mlb),
    "MFBFusion": vectors(lambda rng: fusion.MFBFusion(TWO, 3, 5, rng=rng), by.mfb),
    "MFHFusion": vectors(lambda rng: fusion.MFHFusion(TWO, 6, 3, rng=rng), by.mfh),
    "MFHFusion_third": vectors(lambda rng: fusion.MFHFusion(TWO, 6, 2, 3, rng=rng), by.mfh),
    "MUTANFusion": vectors(lambda rng: fusion.MUTANFusion(TWO, 7, 4, 3, rng=rng), by.mutan),
    "BLOCKFusion": vectors(lambda rng: fusion.BLOCKFusion(TWO, 4, 6, 3, 2, rng=rng), by.block),
    "BLOCKFusion_rest": vectors(lambda rng: fusion.BLOCKFusion(TWO, 4, 8, 3, 2, rng=rng), by.block),
    "MCBFusion": vectors(lambda rng: fusion.MCBFusion(TWO, 6, rng=rng), by.mcb),
    "MCBFusion_odd": vectors(lambda rng: fusion.MCBFusion(TWO, 31, rng=rng), by.mcb),
    "MeanOfDecisions": vectors(lambda rng: fusion.MeanOfDecisions(CLASSES, rng=rng), by.mean_of_decisions),
    "MeanOfDecisions_three": vectors(lambda rng: fusion.MeanOfDecisions(CLASSES_OF_THREE), by.mean_of_decisions),
    "ProductOfExperts": vectors(lambda rng: fusion.ProductOfExperts(CLASSES, rng=rng), by.product_of_experts),
    "ProductOfExperts_prior": vectors(lambda rng: fusion.ProductOfExperts(CLASSES_OF_THREE, PRIOR),
                                      by.product_of_experts),
    "WeightedDecisions": vectors(lambda rng: fusion.WeightedDecisions(CLASSES_OF_THREE, rng=rng),
                                 by.weighted_decisions),
    "StackedDecisions": vectors(lambda rng: fusion.StackedDecisions(CLASSES_OF_THREE, rng=rng), by.stacked_decisions),
    "AtEachPosition": sequences(lambda rng: fusion.AtEachPosition(fusion.ConcatenationFusion(TWO, 7, rng=rng)),
                                by.at_each_position(by.concatenation.define)),
    "AtEachPosition_gates": sequences(lambda rng: fusion.AtEachPosition(fusion.GatingFusion(THREE, 4, rng=rng)),
                                      by.at_each_position(by.gating.define)),
    "AtEachPosition_unit": sequences(lambda rng: fusion.AtEachPosition(fusion.GatedMultimodalUnit(TWO, 3, rng=rng)),
                                     by.at_each_position(by.gated_unit.define)),
    "AtEachPosition_sketch": sequences(lambda rng: fusion.AtEachPosition(fusion.MCBFusion(TWO, 5, rng=rng)),
                                       by.at_each_position(by.mcb.define)),
    "AtEachPosition_film": sequences(lambda rng: fusion.AtEachPosition(fusion.FiLMFusion(TWO, 3, rng=rng)),
                                     by.at_each_position(by.film.define)),
    "MissingTokens": vectors(lambda rng: fusion.MissingTokens(fusion.BilinearFusion(TWO, 4, rng=rng), rng=rng),
                             by.missing_tokens(by.bilinear)),
    "MissingTokens_three": vectors(lambda rng: fusion.MissingTokens(fusion.GatingFusion(THREE, 4, rng=rng), rng=rng),
                                   by.missing_tokens(by.gating)),
    "MissingTokens_sequences": sequences(lambda rng: fusion.MissingTokens(attention(rng), rng=rng),
                                         by.missing_tokens(slow.attention_fusion), ("fusion.key.bias",)),
    "ModalityDropout": vectors(lambda rng: fusion.ModalityDropout(fusion.GatingFusion(THREE, 4, rng=rng), 0.5,
                                                                  rng=rng).eval(), by.wrapped(by.gating)),
    "ModalityDropout_decisions": vectors(
        lambda rng: fusion.ModalityDropout(fusion.StackedDecisions(CLASSES, rng=rng), 0.5, rng=rng).eval(),
        by.wrapped(by.stacked_decisions)),
    "ModalityDropout_sequences": sequences(lambda rng: fusion.ModalityDropout(attention(rng), 0.5, rng=rng).eval(),
                                           by.wrapped(slow.attention_fusion), ("fusion.key.bias",)),
}
