"""The exclusive-or world: what no modality says alone, no combination of decisions can say; fusions of features can."""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F
from tinymm import fusion, nn
from tinymm.metrics import wilson_interval

from .test_contract import KIND

WIDTHS = {"text": 6, "image": 5}
CLASSES = {"text": 2, "image": 2}

# class -> widths, width and rng to a fusion; those of sequences: test_exchange.py
VECTORS = {
    "ConcatenationFusion": fusion.ConcatenationFusion, "AdditionFusion": fusion.AdditionFusion,
    "GatingFusion": fusion.GatingFusion, "GatedMultimodalUnit": fusion.GatedMultimodalUnit,
    "FiLMFusion": fusion.FiLMFusion, "TensorFusion": fusion.TensorFusion, "LowRankFusion": fusion.LowRankFusion,
    "BilinearFusion": fusion.BilinearFusion, "MFBFusion": fusion.MFBFusion, "MFHFusion": fusion.MFHFusion,
    "MLBFusion": lambda widths, width, rng: fusion.MLBFusion(widths, width, 16, rng=rng),
    "MUTANFusion": lambda widths, width, rng: fusion.MUTANFusion(widths, width, 8, 3, rng=rng),
    "BLOCKFusion": lambda widths, width, rng: fusion.BLOCKFusion(widths, width, 16, 4, 3, rng=rng),
    "MCBFusion": lambda widths, width, rng: fusion.MCBFusion(widths, 4 * width, rng=rng),
    "MissingTokens": lambda widths, width, rng: fusion.MissingTokens(
        fusion.ConcatenationFusion(widths, width, rng=rng), rng=rng),
    "ModalityDropout": lambda widths, width, rng: fusion.ModalityDropout(
        fusion.ConcatenationFusion(widths, width, rng=rng), 0.2, rng=rng),
}
DECISIONS = {
    "MeanOfDecisions": fusion.MeanOfDecisions, "ProductOfExperts": fusion.ProductOfExperts,
    "WeightedDecisions": fusion.WeightedDecisions, "StackedDecisions": fusion.StackedDecisions,
    "ModalityDropout": lambda classes, rng: fusion.ModalityDropout(fusion.StackedDecisions(classes, rng=rng), 0.2,
                                                                   rng=rng).eval(),
}


def sampled(n, rng):
    """Each modality one bit, as a noisy step along a direction of its own; the label is whether the bits differ."""
    bits = rng.integers(0, 2, (n, 2))
    steps = ((2 * bits[:, m, None] - 1) / np.sqrt(width) for m, width in enumerate(WIDTHS.values()))
    vectors = (step + 0.25 * rng.standard_normal((n, width)) for step, width in zip(steps, WIDTHS.values()))
    return tuple(x.astype(np.float32) for x in vectors), bits[:, 0] ^ bits[:, 1]


def fitted(f, inputs, labels, rng):
    """`f` of the inputs and a linear layer, after a hundred steps; a function of inputs, and of what is present."""
    head = nn.Linear(f.width, 2, rng=rng)
    optimizer = tm.optim.AdamW([*f.parameters(), *head.parameters()], lr=0.03)
    for _ in range(100):
        optimizer.zero_grad()
        F.cross_entropy(head(f(inputs).features), labels).backward()
        optimizer.step()
    f.eval()
    return lambda inputs, *present: head(f(inputs, None, *present).features).data


class One(nn.Module):
    """Two layers for one modality, called like a fusion."""

    width = 16

    def __init__(self, m, rng):
        self.m = m
        self.linear = nn.Linear(list(WIDTHS.values())[m], self.width, rng=rng)

    def forward(self, inputs, masks=None, present=None):
        return fusion.Fused(F.relu(self.linear(inputs[self.m])), None, None)


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(0)
    return sampled(256, rng), sampled(2000, rng)


@pytest.mark.parametrize("kind, rows", [("vectors", VECTORS), ("decisions", DECISIONS)])
def test_every_fusion_of_the_kind_has_a_row(kind, rows):
    """Here and in cases.py, where a new public fusion without one fails."""
    assert {name.partition("_")[0] for name in KIND if KIND[name] == kind} == set(rows)


@pytest.mark.parametrize("name", VECTORS)
def test_fusions_of_vectors_learn_it_and_need_both(name, world):
    """Without one of the two, the same model is at chance, which is its ceiling then: whatever one modality says, both
    labels are as likely."""
    (inputs, labels), (others, answers) = world
    rng = np.random.default_rng(1)
    model = fitted(VECTORS[name](WIDTHS, 16, rng=rng), inputs, labels, rng)
    assert (model(others).argmax(-1) == answers).mean() >= 0.98
    for one in ([True, False], [False, True]):
        assert at_chance(model(others, np.tile(one, (len(answers), 1))), answers)


def at_chance(log_p, answers):
    """Whether one half lies within the 99.9 % interval of the share of right answers."""
    low, high = wilson_interval(int((log_p.argmax(-1) == answers).sum()), len(answers), 0.999)
    return low < 0.5 < high


def test_no_modality_alone_nor_mean_nor_product_of_decisions_is_above_chance(world):
    (inputs, labels), (others, answers) = world
    rng = np.random.default_rng(1)
    decisions = tuple(F.log_softmax(fitted(One(m, rng), inputs, labels, rng)(others), -1) for m in range(2))
    combined = [f(decisions).features.data for f in (fusion.MeanOfDecisions(CLASSES), fusion.ProductOfExperts(CLASSES))]
    assert all(at_chance(log_p, answers) for log_p in (*decisions, *combined))


def test_decisions_without_error_say_nothing():
    """By enumeration: p(label | one bit) is uniform, so every combination of such decisions is the same for all four
    pairs of bits."""
    joint = np.zeros((2, 2, 2))                                          # p(bit, bit, label)
    for i, j in np.ndindex(2, 2):
        joint[i, j, i ^ j] = 1 / 4
    alone = [joint.sum(1 - m) / joint.sum((1 - m, 2))[:, None] for m in range(2)]    # p(label | bit m)
    decisions = tuple(np.log([p[bits[m]] for bits in np.ndindex(2, 2)]) for m, p in enumerate(alone))
    for make in DECISIONS.values():
        log_p = make(CLASSES, rng=np.random.default_rng(0))(decisions).features.data
        np.testing.assert_allclose(log_p, log_p[:1].repeat(4, 0), rtol=1e-6)
