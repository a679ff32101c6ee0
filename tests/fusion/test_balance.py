"""Which modality learns, and the remedy: norms, confidences, coefficients, and what the hook does to gradients."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm.functional as F
from tinymm.fusion import GradientModulation, confidences, gradient_norms
from tinymm.optim import SGD
from tinymm.training import Trainer, TrainingConfig, TrainingSet

from .test_classifier import IDS, MASKS, made

LABELS = np.array([0, 2])


def backward(model):
    logits, _ = model(IDS, MASKS)
    F.cross_entropy(logits, LABELS).backward()
    return {name: [p.grad.copy() for p in encoder.parameters()] for name, encoder in model.encoders.items()}


def test_norms_are_of_all_gradients_of_an_encoder(rng):
    model = made("vectors", rng)
    gradients = backward(model)
    for name, norm in gradient_norms(model).items():
        np.testing.assert_allclose(norm, np.linalg.norm(np.concatenate([g.ravel() for g in gradients[name]])))


@pytest.mark.parametrize("kind", ["vectors", "decisions", "sequences"])
def test_confidence_is_the_likelihood_of_the_label_where_the_rest_is_absent(kind, rng):
    model = made(kind, rng)
    found = confidences(model, model.encode(IDS, MASKS), LABELS)
    for m, name in enumerate(("text", "sound")):
        logits, _ = model(IDS, MASKS, np.eye(2, dtype=bool)[[m, m]])
        p = np.exp(logits.data) / np.exp(logits.data).sum(-1, keepdims=True)
        np.testing.assert_allclose(found[name], p[[0, 1], LABELS].mean())


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=4), st.floats(0, 3))
def test_only_those_ahead_are_slowed_and_more_if_further_ahead(sure, alpha):
    names = [str(i) for i in range(len(sure))]
    k = GradientModulation(alpha).coefficients(dict(zip(names, sure)))
    for name, s in zip(names, sure):
        rest = (sum(sure) - s) / (len(sure) - 1)
        assert 0 <= k[name] <= 1
        if s < rest * (1 - 1e-9):
            assert k[name] == 1
        elif s > rest * (1 + 1e-9):
            assert math.isclose(k[name], 1 - math.tanh(alpha * s / rest), abs_tol=1e-12)


def test_the_hook_scales_one_encoder_and_tells(rng):
    model = made("vectors", rng)
    before = backward(model)
    others = model.scores.weight.grad.copy()
    numbers = {"confidence/text": 0.9, "confidence/sound": 0.3}
    GradientModulation(0.2, noise=False)(model, numbers, rng)
    k = 1 - math.tanh(0.2 * 3)
    assert math.isclose(numbers["modulation/text"], k) and numbers["modulation/sound"] == 1
    for name, scale in (("text", k), ("sound", 1)):
        for p, g in zip(model.encoders[name].parameters(), before[name]):
            np.testing.assert_allclose(p.grad, scale * g)
    np.testing.assert_array_equal(model.scores.weight.grad, others)


def test_the_noise_is_as_large_as_the_gradient_spreads(rng):
    model = made("vectors", rng)
    before = backward(model)["text"][0]
    k = 1 - math.tanh(0.2 * 3)
    noise = []
    for seed in range(200):
        model.encoders["text"].embedding.weight.grad[...] = before
        GradientModulation(0.2)(model, {"confidence/text": 0.9, "confidence/sound": 0.3}, np.random.default_rng(seed))
        noise.append(model.encoders["text"].embedding.weight.grad - k * before)
    assert abs(np.mean(noise)) < 0.02 * before.std() and abs(np.std(noise) / (k * before.std()) - 1) < 0.05


def test_a_trainer_takes_it_and_its_log_tells(rng):
    model = made("vectors", rng)

    def loss(model, rows, rng):
        encoded = model.encode(tuple(ids[rows] for ids in IDS), (MASKS[0][rows], None))
        sure = confidences(model, encoded, LABELS[rows])
        return F.cross_entropy(model.decide(encoded)[0], LABELS[rows]), {
            f"confidence/{name}": s for name, s in sure.items()}

    trainer = Trainer(model, loss, SGD(model.parameters(), lr=0.1), TrainingSet(2, lambda rows, rng: rows),
                      TrainingConfig(1, 2))
    trainer.after_backward = GradientModulation()
    row = trainer.fit(progress=False)
    assert {"train/confidence/text", "train/modulation/text", "train/modulation/sound"} <= set(row)


def test_an_alpha_that_makes_no_sense_is_refused():
    for alpha in (-0.1, math.inf, math.nan):
        with pytest.raises(ValueError, match="GradientModulation: alpha must be finite and at least 0; got"):
            GradientModulation(alpha)
