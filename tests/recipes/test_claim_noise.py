"""The claim on noise: what contenders do with a missing modality, ceilings, sweeps, a null world, resuming."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymm.autograd import no_grad
from tinymm.data import COLOURS, SHAPES
from tinymm.recipes.shared.claiming import noise
from tinymm.recipes.shared.claiming.experiment import Comparison
from tinymm.recipes.shared.claiming.judging import difference, judged
from tinymm.recipes.shared.claiming.measuring import TUNING, Measured, measured
from tinymm.recipes.shared.claiming.noise_contenders import FUSIONS, model_of
from tinymm.recipes.shared.claiming.noise_figures import Told, curves
from tinymm.recipes.shared.claiming.noisy_pairs import (
    CLASSES, EMBEDDED, MODALITIES, SIDE, TOKENS, Pairs, draw_pairs, embedded, told_accuracy,
)
from tinymm.recipes.shared.claiming.noisy_world import SEVERITIES
from tinymm.recipes.shared.kept_jobs import FOUND

seeds = st.integers(0, 2**32 - 1)
SWEEPS = EMBEDDED.sweeps
TINY = {"train": 64, "val": 30, "test": 40}


class Begun:
    """As much of a Run as claims need."""

    epochs, seed, resume = None, 0, False

    @staticmethod
    def rng(*key):
        return np.random.default_rng([0, *key])

    @staticmethod
    def say(words):
        pass


def with_steps(world, steps):
    return replace(world, plan=replace(world.plan, steps=steps))


def tiny(draw=draw_pairs, run=Begun):
    return noise.claim_about(run, with_steps(embedded(draw, TINY), 4))


# Pairs ------------------------------------------------------------------------------------------------------------


@given(seeds, st.sampled_from(sorted(SWEEPS)))
def test_a_severity_of_0_changes_nothing_and_labels_never_change(seed, sweep):
    rng = np.random.default_rng(seed)
    pairs = draw_pairs(5, rng)
    same = EMBEDDED.corrupted(pairs, sweep, 0.0, rng)
    assert np.array_equal(same.pictures, pairs.pictures) and same.captions == pairs.captions
    worst = EMBEDDED.corrupted(pairs, sweep, 1.0, rng)
    assert np.array_equal(worst.labels, pairs.labels)
    assert worst.pictures.min() >= 0 and worst.pictures.max() <= 1 and worst.pictures.dtype == np.float32


def test_a_sweep_changes_the_modality_it_says(rng):
    pairs = draw_pairs(20, rng)
    for part, bad in EMBEDDED.conditions.items():
        for sweep in EMBEDDED.new.get(part, [part] if part in SWEEPS else []):
            worse = EMBEDDED.corrupted(pairs, sweep, 0.75, rng)
            assert (bad == "text") == np.array_equal(worse.pictures, pairs.pictures)
            assert (bad == "picture") == (worse.captions == pairs.captions)


@given(seeds)
def test_a_training_on_noise_sees_clean_and_bad_pairs(seed):
    rng = np.random.default_rng(seed)
    pairs = draw_pairs(60, rng)
    noisy = EMBEDDED.varied(pairs, rng)
    sharp = (noisy.pictures == pairs.pictures).all((1, 2, 3)).mean()
    assert 0.1 < sharp < 0.9
    assert 0.2 < np.mean([a == b for a, b in zip(noisy.captions, pairs.captions)]) < 1


def test_what_contenders_take_is_the_caption_word_by_word():
    pairs = Pairs(np.zeros((2, 3, SIDE, SIDE), np.float32), ["small red thing", ""], np.array([0, 1]))
    _, ids, present = pairs.examples().inputs
    assert TOKENS.decode([int(i) for i in ids[0] if i]) == "small red thing"
    assert present.tolist() == [[True, True], [True, False]]             # without a word there is no caption
    assert pairs.examples(missing="picture").inputs[2].tolist() == [[False, True], [False, False]]


@pytest.mark.parametrize("severity", SEVERITIES)
def test_what_a_caption_gives_away_by_enumeration(severity):
    """Over what is told: whoever hears a word knows, else one guess among equals."""
    kept = 0.8 * (1 - severity)
    best = 0.0
    for colour, shape in itertools.product((True, False), repeat=2):
        p = (kept if colour else 1 - kept) * (kept if shape else 1 - kept)
        heard = {(c if colour else None, s if shape else None) for c, s in itertools.product(COLOURS, SHAPES)}
        best += p * len(heard) / len(CLASSES)                            # one class is right for each that can be heard
    assert told_accuracy(severity) == pytest.approx(best)


def test_captions_tell_colour_and_shape_as_often_as_the_ceiling_assumes(rng):
    pairs = draw_pairs(3000, rng)
    for place, name in enumerate(("colour", "shape")):
        told = np.mean([CLASSES[label][place] in caption.split()
                        for caption, label in zip(pairs.captions, pairs.labels)])
        assert abs(told - 0.8) < 0.03, name                              # four standard errors
    assert not any(word in caption.split() for caption in pairs.captions for word in ("a", "an"))


# Contenders -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models():
    """Every fusion after a few steps, with running statistics of its own."""
    trained = {}
    for kind in FUSIONS:
        rng = np.random.default_rng(0)
        model = model_of(replace(EMBEDDED, parameters=12_000), kind, rng)
        data = EMBEDDED.varied(draw_pairs(32, rng), rng).examples()
        for _ in range(2):
            model.loss(data.inputs, data.labels)
        trained[kind] = model.eval()
    return trained


@settings(deadline=None)
@given(seed=seeds, kind=st.sampled_from(FUSIONS), missing=st.sampled_from(MODALITIES))
def test_the_answer_does_not_depend_on_what_a_missing_input_holds(models, seed, kind, missing):
    rng = np.random.default_rng(seed)
    picture, ids, present = draw_pairs(6, rng).examples(missing).inputs
    gone = rng.random(6) < 0.5
    present[~gone] = True                                                # of the batch some lack it
    other = list(draw_pairs(6, rng).examples().inputs[:2])
    other[0] = np.where(rng.random(other[0].shape) < 0.1, np.nan, other[0]).astype(np.float32)
    place = MODALITIES.index(missing)
    changed = [picture.copy(), ids.copy()]
    changed[place][gone] = other[place][gone]
    with no_grad():
        before = models[kind]((picture, ids, present)).data
        after = models[kind]((*changed, present)).data
    assert np.isfinite(before).all() and np.array_equal(before[gone], after[gone])
    assert np.allclose(before, after, rtol=0, atol=1e-6)                 # NaN takes another path through a convolution


@settings(deadline=None, max_examples=20)
@given(seed=seeds, kind=st.sampled_from(FUSIONS))
def test_what_is_there_counts(models, seed, kind):
    rng = np.random.default_rng(seed)
    picture, ids, present = draw_pairs(6, rng).examples().inputs
    present[:] = True
    with no_grad():
        before = models[kind]((picture, ids, present)).data
        for changed in ((picture[::-1].copy(), ids, present), (picture, np.where(ids == 0, 5, 4), present)):
            assert not np.array_equal(before, models[kind](changed).data)


def test_without_its_text_the_product_is_the_expert_on_pictures(models, rng):
    inputs = draw_pairs(8, rng).examples("text").inputs
    with no_grad():
        logits = models["product"](inputs).data
        alone = models["product"].experts[0](inputs).data
    assert np.allclose(logits - logits[:, :1], alone - alone[:, :1], atol=1e-4)


def test_the_missing_token_is_used_only_where_something_is_missing(models, rng):
    fusion = models["missing token"].classifier.fusion.fusion
    there, lacking = draw_pairs(8, rng).examples().inputs, draw_pairs(8, rng).examples("picture").inputs
    there[2][:], lacking[2][:, 1] = True, True
    with no_grad():
        before = [models["missing token"](inputs).data for inputs in (there, lacking)]
        kept = fusion.tokens[0].weight.data.copy()
        fusion.tokens[0].weight.data[:] = 1.0
        after = [models["missing token"](inputs).data for inputs in (there, lacking)]
        fusion.tokens[0].weight.data[:] = kept
    assert np.array_equal(before[0], after[0]) and not np.allclose(before[1], after[1])


def test_all_contenders_are_equally_large():
    rng, most = np.random.default_rng(0), EMBEDDED.parameters
    for kind in (*MODALITIES, *FUSIONS):
        assert 0.98 * most <= model_of(EMBEDDED, kind, rng).num_parameters() <= most, kind


# The claim --------------------------------------------------------------------------------------------------------


def test_areas_are_means_over_severity_that_weigh_the_ends_half():
    levels = np.random.default_rng(0).random((len(SEVERITIES), 7))
    assert np.allclose(noise.area(levels), ((levels[1:] + levels[:-1]) / 2).mean(0))
    assert np.allclose(noise.area(np.ones((len(SEVERITIES), 3))), 1)


@pytest.fixture(scope="module")
def found():
    """The scores of one tiny training of each contender."""
    claim = tiny()
    scores = {one.name: {part: values[None] for part, values in one.fit(1e-2, 0, lambda share: None).items()}
              for one in claim.contenders}
    return claim, scores


def test_every_comparison_finds_its_scores(found):
    claim, scores = found
    told = judged(claim, Measured(scores, {}))
    assert len(told.tests) == len(claim.tests) and len(told.beside) == len(claim.beside)
    wheres = [one.where for one in (*claim.tests, *claim.beside)]
    assert len(wheres) == len(set(wheres))
    assert {part for _, part in claim.ceilings} <= set(scores["clean/text"])
    for parts in scores.values():
        assert set(parts) >= {"val", "test", *SWEEPS, *EMBEDDED.new}
        assert all(values.shape == (1, TINY["val" if part == "val" else "test"]) for part, values in parts.items())


def test_a_modality_alone_does_not_see_what_happens_to_the_other(found):
    _, scores = found
    for sweep in ("blur", "noise", "occlusion"):
        assert np.array_equal(scores["clean/text"][sweep], scores["clean/text"]["test"].astype(float))
    for sweep in ("words missing", "words exchanged", "words foreign"):
        assert np.array_equal(scores["clean/picture"][sweep], scores["clean/picture"]["test"].astype(float))
    assert "picture missing" not in scores["clean/picture"] and "text missing" not in scores["clean/text"]


def test_the_table_says_in_a_row_of_its_own_where_a_fusion_falls_below_the_clean_modality():
    right = {"clean/text": np.ones((3, 60)), "clean/concatenation": np.zeros((3, 60)), "clean/gated": np.ones((3, 60))}
    parts = ("test", *SWEEPS, "picture missing", "text missing")
    scores = {f"{school}/{kind}": dict.fromkeys(parts, right.get(f"{school}/{kind}", np.ones((3, 60))))
              for school in noise.SCHOOLS for kind in (*MODALITIES, *FUSIONS)}
    bars = [Comparison(f"{kind}, blur", (f"clean/{kind}",), ("clean/text",), "blur")
            for kind in ("concatenation", "gated")]
    *rows, last = Told(EMBEDDED, bars, 2).rows(scores, noise.SCHOOLS)
    assert last[:2] == ["concatenation, blur: below the clean text alone", "clean"]
    assert [value for value in last[2:] if value is not None] == [-1.0]
    assert len(rows) == 2 * len(parts)                                   # the gated one has none


def test_curves_begin_at_the_clean_test(found):
    _, scores = found
    rows = curves(EMBEDDED, scores, "noisy")
    first = [row for row in rows if row["severity"] == 0]
    assert {row["gated/blur"] for row in first if "gated/blur" in row} == {float(scores["noisy/gated"]["test"].mean())}
    assert len(rows) == len(SEVERITIES) and len(rows[0]) == 1 + len(SWEEPS) * (2 + len(FUSIONS))


def test_in_a_null_world_the_caption_of_something_else_helps_nowhere():
    """Scores as of a world in which captions say nothing: fusions are as good as the picture, by chance better."""
    rng, claim = np.random.default_rng(0), tiny()

    def drawn(p):
        return (rng.random((5, 300)) < p + rng.normal(0, 0.02, (5, 1))).astype(float)

    scores = {}
    for one in claim.contenders:
        kind = one.name.split("/")[1]
        seen = {"text": 1 / 30, "labels shuffled": 1 / 30}.get(kind, 0.6)
        scores[one.name] = {part: drawn(seen) for part in _parts()}
    told = judged(replace(claim, controls=(), ceilings={}), Measured(scores, {}))
    assert told.verdict.word in ("depends", "fails")
    over_pictures = [found for found in told.tests if found.than.endswith("/picture")]
    assert len(over_pictures) >= 14 and all(found.word == "no gain" for found in over_pictures)


def _parts():
    levels = [f"{sweep} {severity:g}" for sweep in (*SWEEPS, *EMBEDDED.new) for severity in SEVERITIES[1:]]
    others = [f"{name} {state}" for name in MODALITIES for state in ("missing", "of others")]
    return ("val", "test", "example", *SWEEPS, *EMBEDDED.new, *levels, *others)


def test_captions_of_other_things_are_no_better_than_none():
    """The same with trainings, small ones: nothing that is chosen beats the picture alone."""
    def others(n, rng):
        pairs = draw_pairs(n, rng)
        return pairs._replace(captions=draw_pairs(n, rng).captions)

    claim = noise.claim_about(Begun, with_steps(embedded(others, {"train": 200, "val": 60, "test": 60}), 20))
    needed = [one for one in claim.contenders if one.name in ("clean/picture", "clean/concatenation")]
    scores = {one.name: {} for one in needed}
    for one in needed:
        by_seed = [one.fit(1e-2, seed, lambda share: None) for seed in range(2)]
        scores[one.name] = {part: np.stack([found[part] for found in by_seed]) for part in by_seed[0]}
    told = difference(Comparison("null", ("clean/concatenation",), ("clean/picture",)), scores, 36)
    assert told.word != "gain"


def test_rates_are_tuned_on_validation_and_nothing_else(found):
    claim, _ = found
    assert set(claim.contenders[1].fit(1e-2, Begun.seed + TUNING, lambda share: None)) == {"val"}


def test_kill_and_resume_gives_the_same(tmp_path, found):
    claim, _ = found

    class Opened(Begun):
        class folder:
            path = tmp_path

    names = ("clean/text", "noisy/product")
    two = replace(claim, contenders=tuple(one for one in claim.contenders if one.name in names))
    whole = measured(Opened, [two], 2, tunes=False)["noise"]
    (tmp_path / "noise/noisy/product/1" / FOUND).unlink()                 # as if broken off before it
    Opened.resume = True
    again = measured(Opened, [two], 2, tunes=False)["noise"]
    for name, parts in whole.scores.items():
        for part, values in parts.items():
            assert np.array_equal(values, again.scores[name][part]), (name, part)
