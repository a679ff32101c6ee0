"""Fusions of decisions beyond the contract: distributions, subsets, and when the product is the best there is."""

import itertools
import math

import numpy as np
import pytest

import tinymm.functional as F
from tinymm import fusion

CLASSES = {"text": 3, "image": 3, "speech": 3}
PRIOR = np.array([0.5, 0.3, 0.2])


def every_fusion(rng):
    return [fusion.MeanOfDecisions(CLASSES), fusion.ProductOfExperts(CLASSES),
            fusion.ProductOfExperts(CLASSES, PRIOR), fusion.WeightedDecisions(CLASSES),
            fusion.StackedDecisions(CLASSES, rng=rng)]


def decisions(rng, batch=8):
    return tuple(F.log_softmax(2 * rng.standard_normal((batch, 3)), -1) for _ in CLASSES)


def test_any_subset_gives_a_distribution(rng):
    present = np.array(list(itertools.product((False, True), repeat=3)))
    inputs = tuple(np.where(here[:, None], x, np.nan) for x, here in zip(decisions(rng), present.T))
    for combine in every_fusion(rng):
        p = np.exp(combine(inputs, None, present).features.data)
        np.testing.assert_allclose(p.sum(-1), 1, rtol=1e-6)


def test_without_any_decision_the_prior_is_left(rng):
    inputs, nothing = decisions(rng, 2), np.zeros((2, 3), bool)
    for combine, expected in zip(every_fusion(rng)[:4], (1 / 3, 1 / 3, PRIOR, 1 / 3)):
        p = np.exp(combine(inputs, None, nothing).features.data)
        np.testing.assert_allclose(p, np.broadcast_to(expected, (2, 3)), rtol=1e-6)


def test_a_single_decision_passes_as_it_is(rng):
    inputs, one = decisions(rng), np.zeros((8, 3), bool)
    one[:, 1] = True
    for combine in every_fusion(rng)[:3]:
        np.testing.assert_allclose(combine(inputs, None, one).features.data, inputs[1], rtol=1e-6, atol=1e-9)


def test_far_below_what_probabilities_can_hold(rng):
    """log p = −10⁴: the mean is that of the surest, the product the sum of logarithms."""
    sure, unsure = np.array([[0.0, -1e4, -1e4]]), np.array([[-1e4, 0.0, -1e4]])
    mean = fusion.MeanOfDecisions({"text": 3, "image": 3})((sure, unsure)).features.data
    np.testing.assert_allclose(mean, [[-math.log(2), -math.log(2), -1e4]], rtol=1e-12)
    product = fusion.ProductOfExperts({"text": 3, "image": 3})((sure, unsure)).features.data
    np.testing.assert_allclose(product, [[-math.log(2), -math.log(2), -1e4 - math.log(2)]], rtol=1e-12)


def test_what_one_excludes_the_product_excludes_and_the_mean_does_not():
    excluded, sure = np.array([[-np.inf, *np.log([0.5, 0.5])]]), np.log(PRIOR[None])
    p = np.exp(fusion.ProductOfExperts({"text": 3, "image": 3})((excluded, sure)).features.data)
    np.testing.assert_allclose(p, [[0, 0.6, 0.4]], rtol=1e-6)
    p = np.exp(fusion.MeanOfDecisions({"text": 3, "image": 3})((excluded, sure)).features.data)
    np.testing.assert_allclose(p, [[0.25, 0.4, 0.35]], rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_product_is_the_posterior_where_modalities_are_independent_given_the_class(seed):
    """By enumeration of a world of 4 × 5 × 3 observations: Bayes' rule on all of them at once, for every subset."""
    rng = np.random.default_rng(seed)
    given_class = [rng.dirichlet(np.ones(n), 3) for n in (4, 5, 3)]      # p(x_m | k) (3, n)
    joint = np.einsum("k,ka,kb,kc->abck", PRIOR, *given_class)           # p(x₁, x₂, x₃, k)
    single = [PRIOR * p.T / (PRIOR * p.T).sum(1, keepdims=True) for p in given_class]    # p(k | x_m) (n, 3)
    seen = list(np.ndindex(joint.shape[:3]))
    inputs = tuple(np.log(p[[x[m] for x in seen]]) for m, p in enumerate(single))
    combine = fusion.ProductOfExperts(CLASSES, PRIOR)
    for present in itertools.product((False, True), repeat=3):
        hidden = tuple(m for m in range(3) if not present[m])
        whole = joint.sum(hidden, keepdims=True)
        posterior = np.broadcast_to(whole / whole.sum(-1, keepdims=True), joint.shape).reshape(-1, 3)
        found = combine(inputs, None, np.tile(present, (len(seen), 1))).features.data
        np.testing.assert_allclose(np.exp(found), posterior, rtol=1e-10)


def test_the_product_of_the_posteriors_beats_their_mean_there():
    """Expected log-likelihood of the class, by enumeration: nothing is above the posterior's."""
    rng = np.random.default_rng(0)
    given_class = [rng.dirichlet(np.ones(6), 3) for _ in range(3)]
    joint = np.einsum("k,ka,kb,kc->abck", PRIOR, *given_class).reshape(-1, 3)
    single = [PRIOR * p.T / (PRIOR * p.T).sum(1, keepdims=True) for p in given_class]
    seen = list(np.ndindex(6, 6, 6))
    inputs = tuple(np.log(p[[x[m] for x in seen]]) for m, p in enumerate(single))
    score = {type(f).__name__: (joint * f(inputs).features.data).sum()
             for f in (fusion.ProductOfExperts(CLASSES, PRIOR), fusion.MeanOfDecisions(CLASSES))}
    alone = max((joint * x).sum() for x in inputs)
    assert score["ProductOfExperts"] > score["MeanOfDecisions"] + 0.01 and score["ProductOfExperts"] > alone + 0.01


def test_weights_of_one_are_the_product_and_stacked_identities_too(rng):
    inputs = decisions(rng)
    expected = fusion.ProductOfExperts(CLASSES)(inputs).features.data
    weighted, stacked = fusion.WeightedDecisions(CLASSES), fusion.StackedDecisions(CLASSES, rng=rng)
    weighted.weight.data[...] = 1
    stacked.linear.weight.data[...] = np.tile(np.eye(3), 3)
    stacked.linear.bias.data[...] = 0
    for combine in (weighted, stacked):
        np.testing.assert_allclose(combine(inputs).features.data, expected, rtol=1e-6)


@pytest.mark.parametrize("prior", [[0.5, 0.5], [0.5, 0.5, 0.5], [1.0, 0.0, 0.0], [0.6, 0.6, -0.2]])
def test_a_prior_that_is_none_is_refused(prior):
    with pytest.raises(ValueError, match="ProductOfExperts: the prior must be 3 positive numbers of sum 1; got "):
        fusion.ProductOfExperts(CLASSES, prior)


def test_different_classes_are_refused(rng):
    with pytest.raises(ValueError, match="StackedDecisions: all modalities must decide among the same classes; got "):
        fusion.StackedDecisions({"text": 3, "image": 4}, rng=rng)
