"""The exclusive-or world: what no modality says alone, no combination of decisions can say; fusions of features can."""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F
from tinymm import fusion, nn
from tinymm.metrics import wilson_interval

WIDTHS = {"text": 6, "image": 5}
CLASSES = {"text": 2, "image": 2}


def sampled(n, rng):
    """Each modality one bit, as a noisy step along a direction of its own; the label is whether the bits differ."""
    bits = rng.integers(0, 2, (n, 2))
    steps = ((2 * bits[:, m, None] - 1) / np.sqrt(width) for m, width in enumerate(WIDTHS.values()))
    vectors = (step + 0.25 * rng.standard_normal((n, width)) for step, width in zip(steps, WIDTHS.values()))
    return tuple(x.astype(np.float32) for x in vectors), bits[:, 0] ^ bits[:, 1]


def fitted(f, inputs, labels, rng):
    """`f` of the inputs and a linear layer, after a hundred steps; a function of other inputs."""
    head = nn.Linear(f.width, 2, rng=rng)
    optimizer = tm.optim.AdamW([*f.parameters(), *head.parameters()], lr=0.03)
    for _ in range(100):
        optimizer.zero_grad()
        F.cross_entropy(head(f(inputs).features), labels).backward()
        optimizer.step()
    return lambda inputs: head(f(inputs).features).data


class One(nn.Module):
    """Two layers for one modality, called like a fusion."""

    width = 16

    def __init__(self, m, rng):
        self.m = m
        self.linear = nn.Linear(list(WIDTHS.values())[m], self.width, rng=rng)

    def forward(self, inputs):
        return fusion.Fused(F.relu(self.linear(inputs[self.m])), None, None)


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(0)
    return sampled(256, rng), sampled(2000, rng)


@pytest.mark.parametrize("make", [
    fusion.ConcatenationFusion, fusion.AdditionFusion, fusion.GatingFusion, fusion.GatedMultimodalUnit,
    fusion.FiLMFusion, fusion.TensorFusion, fusion.LowRankFusion, fusion.BilinearFusion, fusion.MFBFusion,
    fusion.MFHFusion,
    lambda widths, width, rng: fusion.MLBFusion(widths, width, 16, rng=rng),
    lambda widths, width, rng: fusion.MUTANFusion(widths, width, 8, 3, rng=rng),
    lambda widths, width, rng: fusion.BLOCKFusion(widths, width, 16, 4, 3, rng=rng),
    lambda widths, width, rng: fusion.MCBFusion(widths, 4 * width, rng=rng)])
def test_fusions_of_vectors_learn_it(make, world):
    (inputs, labels), (others, answers) = world
    rng = np.random.default_rng(1)
    predicted = fitted(make(WIDTHS, 16, rng=rng), inputs, labels, rng)(others).argmax(-1)
    assert (predicted == answers).mean() >= 0.98


def test_no_modality_alone_nor_mean_nor_product_of_decisions_is_above_chance(world):
    """Half lies within the 99.9 % interval of the share of right answers."""
    (inputs, labels), (others, answers) = world
    rng = np.random.default_rng(1)
    decisions = tuple(F.log_softmax(fitted(One(m, rng), inputs, labels, rng)(others), -1) for m in range(2))
    combined = [f(decisions).features.data for f in (fusion.MeanOfDecisions(CLASSES), fusion.ProductOfExperts(CLASSES))]
    for log_p in (*decisions, *combined):
        right = (log_p.argmax(-1) == answers).sum()
        low, high = wilson_interval(int(right), len(answers), 0.999)
        assert low < 0.5 < high


def test_decisions_without_error_say_nothing():
    """By enumeration: p(label | one bit) is uniform, so every combination of such decisions is the same for all four
    pairs of bits."""
    joint = np.zeros((2, 2, 2))                                          # p(bit, bit, label)
    for i, j in np.ndindex(2, 2):
        joint[i, j, i ^ j] = 1 / 4
    alone = [joint.sum(1 - m) / joint.sum((1 - m, 2))[:, None] for m in range(2)]    # p(label | bit m)
    decisions = tuple(np.log([p[bits[m]] for bits in np.ndindex(2, 2)]) for m, p in enumerate(alone))
    for f in (fusion.MeanOfDecisions(CLASSES), fusion.ProductOfExperts(CLASSES), fusion.WeightedDecisions(CLASSES),
              fusion.StackedDecisions(CLASSES, rng=np.random.default_rng(0))):
        log_p = f(decisions).features.data
        np.testing.assert_allclose(log_p, log_p[:1].repeat(4, 0), rtol=1e-6)
