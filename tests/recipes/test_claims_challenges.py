"""The claims on generalisation and on the three challenges: contenders, measures, that they run when tiny."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data import draw_guided
from tinymm.data.interactions import TwoViews
from tinymm.recipes.shared.claiming import gap, generalisation, guiding, heterogeneity, labels, matching

from .claiming import Begun, gives_what_comparisons_ask_for

seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module", autouse=True)
def small():
    """What is tested here needs no good models."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generalisation, "TRAINED", dict.fromkeys(generalisation.TRAINED, 12))
        patch.setattr(generalisation, "SIZES", {"val": 8, "test": 16, "pool": 120})
        patch.setattr(generalisation, "SHOTS", (1, 2))
        patch.setattr(generalisation, "PLANS", {name: replace(plan, steps=2, batch_size=8)
                                                for name, plan in generalisation.PLANS.items()})
        for module in (labels, gap):
            patch.setattr(module, "THINGS", {"train": 60, "val": 20, "test": 30})
            patch.setattr(module, "PLAN", replace(module.PLAN, steps=4, batch_size=16))
        patch.setattr(heterogeneity, "SIZES", {"train": 40, "val": 20, "test": 30, "pool": 60})
        patch.setattr(heterogeneity, "PLAN", replace(heterogeneity.PLAN, steps=4, batch_size=16))
        patch.setattr(heterogeneity, "MEASURED", 40)
        yield


CLAIMS = {module.__name__.rpartition(".")[2]: module.claim for module in (generalisation, heterogeneity, gap, labels)}


@pytest.mark.parametrize("name", CLAIMS)
def test_every_contender_gives_what_its_comparisons_ask_for(name):
    claim = CLAIMS[name](Begun, quick=False)
    shares = []
    found = {contender.name: contender.fit(contender.rates[0], 0, shares.append) for contender in claim.contenders}
    assert claim.name == name and all(0 <= share <= 1 for share in shares)
    gives_what_comparisons_ask_for(claim, found)


@pytest.mark.parametrize("name", CLAIMS)
def test_a_training_repeats_with_its_seed_and_differs_from_another(name):
    claim = CLAIMS[name](Begun, quick=True)
    contender = claim.contenders[-1]
    one, again, other = (contender.fit(1e-2, seed, lambda share: None) for seed in (1, 1, 2))
    assert all(np.array_equal(one[part], again[part]) for part in one)
    assert {part: np.shape(values) for part, values in one.items()} == {part: np.shape(x) for part, x in other.items()}


# Generalisation ------------------------------------------------------------------------------------------------------


def test_the_readers_of_pictures_are_equally_large():
    for kind in guiding.KINDS:
        model = guiding.guiding_model(kind, np.random.default_rng(0))
        assert 0.97 * guiding.PARAMETERS <= model.num_parameters() <= guiding.PARAMETERS, kind


@pytest.mark.parametrize("kind, reads", [("alone", False), ("told", False), ("late", True), ("joined", True),
                                         ("film", True)])
def test_who_reads_the_text(kind, reads):
    rng = np.random.default_rng(0)
    model = guiding.guiding_model(kind, rng).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * rng.standard_normal(parameter.shape).astype(np.float32)
    data = draw_guided(6, rng, "size", size=guiding.GUIDED.size)
    large, small = (guiding.as_ids([f"what shape is the {size} thing?"] * 6) for size in ("large", "small"))
    assert (not np.array_equal(model((data.images, large)).data, model((data.images, small)).data)) == reads
    if kind != "late":
        features = [model.features((data.images, ids)).data for ids in (large, small)]
        assert np.array_equal(*features) == (kind != "film")             # only FiLM reads pictures by the text


def test_a_text_is_padded_and_its_padding_says_nothing():
    ids = guiding.as_ids(["what shape is the thing?"])
    assert ids.shape == guiding.as_ids(["which shape does the red thing have?"]).shape and ids[0, -1] == 0
    model = guiding.guiding_model("film", np.random.default_rng(0)).eval()
    longer = np.concatenate([ids, np.zeros((1, 3), int)], 1)
    np.testing.assert_allclose(model.text(ids).pooled.data, model.text(longer).pooled.data, rtol=1e-6)


def test_with_and_without_the_hint_the_pictures_are_the_same():
    hint, nothing = (generalisation._Pictures(Begun, name, True)
                     for name in (generalisation.HINT, generalisation.NOTHING))
    for part, data in hint.parts.items():
        np.testing.assert_array_equal(data.inputs[0], nothing.parts[part].inputs[0])
        np.testing.assert_array_equal(data.labels, nothing.parts[part].labels)


def test_added_decisions_cannot_answer_both_questions():
    """Of two shapes, either large: p(k | picture) p(k | text) is right about at most three of the four questions."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        picture, text = rng.normal(size=(2, 2, 2)) * rng.choice([0.1, 1, 10], (2, 1, 1))  # by which is large, by size
        right = sum((picture[k] + text[asked]).argmax() == (k if asked else 1 - k) for k in (0, 1) for asked in (0, 1))
        assert right <= 3


# The three challenges ------------------------------------------------------------------------------------------------


@given(seeds)
def test_mutual_neighbours_are_each_others_nearest(seed):
    first, second = (np.random.default_rng([seed, k]).standard_normal((n, 4)) for k, n in enumerate((12, 9)))
    rows, columns = labels.mutual_nearest(first, second)
    products = first @ second.T
    assert len(rows) and len(set(rows)) == len(rows) and len(set(columns)) == len(columns)
    for row, column in zip(rows, columns):
        assert products[row].max() == products[row, column] == products[:, column].max()


def test_of_noisy_pairs_so_many_are_wrong(rng):
    order = labels._partly_permuted(100, 0.5, rng)
    assert sorted(order) == list(range(100)) and (order != np.arange(100)).sum() == 50


def test_masked_pre_training_knows_nothing_of_pairs(rng):
    """Its loss is the same whatever the order of the second view's rows, if all is hidden by the same draws."""
    model = matching.ViewTowers((5, 5), rng=rng)
    x, y = rng.standard_normal((2, 8, 5)).astype(np.float32)
    grads = []
    for second in (y, y[::-1]):
        model.zero_grad()
        model.masked_loss((x, second), np.random.default_rng(0)).backward()
        grads.append([p.grad for p in model.hidden[0].parameters()])
    for one, other in zip(*grads):
        np.testing.assert_array_equal(one, other)


def test_canonical_maps_match_linear_views_and_not_folded_ones():
    for kind, low, high in (("linear", 0.9, 1.0), ("folded", 0.0, 0.1)):
        world = TwoViews(np.random.default_rng(0), kind)
        train, val, test = (world.sample(n, np.random.default_rng(n)) for n in (2000, 101, 100))
        assert low <= gap.CanonicalMaps.fit(train, val).is_likeliest(test).mean() <= high


def test_canonical_maps_do_not_depend_on_the_units():
    world = TwoViews(np.random.default_rng(0), "linear")
    (x, y), (x_val, y_val) = (world.sample(n, np.random.default_rng(n)) for n in (500, 100))
    ours = gap.CanonicalMaps.fit((x, y), (x_val, y_val), (1e-9,))((x_val, y_val))
    scaled = gap.CanonicalMaps.fit((3 * x + 1, y), (3 * x_val + 1, y_val), (1e-9,))((3 * x_val + 1, y_val))
    np.testing.assert_allclose(ours[0] @ ours[1].T, scaled[0] @ scaled[1].T, rtol=1e-3, atol=1e-3)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 4))
def test_canonical_maps_find_what_the_gaussian_density_finds_likeliest(seed, first, second):
    """ln p(a, b) - ln p(a) - ln p(b) of the normal distribution with the views' own covariances."""
    rng = np.random.default_rng(seed)
    both = rng.normal(size=(60, first + second)) @ rng.normal(size=(first + second, first + second))
    views = both[:, :first] + 3, both[:, first:] - 1
    maps = gap.CanonicalMaps.fit(views, views, (1e-12,))
    centred = both - both.mean(0)
    covariance = centred.T @ centred / 60
    a = np.broadcast_to(centred[:, None, :first], (60, 60, first))
    b = np.broadcast_to(centred[:, first:], (60, 60, second))

    def quadratic(x, c):
        return np.einsum("...i,ij,...j", x, np.linalg.inv(c), x)

    # by rows a, and of each what depends on b
    ratio = (quadratic(b, covariance[first:, first:]) - quadratic(np.concatenate([a, b], -1), covariance)) / 2
    assert (maps.is_likeliest(views) == (ratio.argmax(1) == np.arange(60))).mean() > 0.95


def test_in_the_world_of_two_speeds_the_slow_modality_never_errs():
    trial = heterogeneity._Learning(Begun, heterogeneity.PLAN)
    data = trial.draw(500, np.random.default_rng(0))
    fast, slow = data.inputs
    codes = trial.codes

    def nearest(x, code):
        return np.linalg.norm(x[:, None] - code, axis=-1).argmin(1)

    half = heterogeneity.WIDTH
    a, b = nearest(slow[:, :half], codes[1]), nearest(slow[:, half:], codes[2])
    assert ((a + b) % heterogeneity.CLASSES == data.labels).mean() > 0.98
    assert 0.9 < (nearest(fast, codes[0]) == data.labels).mean() < 0.99


def test_statistics_of_a_modality():
    x = np.zeros((40, 3))
    x[:, 0] = np.arange(40)
    told = dict(zip(heterogeneity.STATISTICS, heterogeneity.statistics(x)))
    assert told["entries"] == 3 and told["different values"] == 40
    assert told["zeros"] == pytest.approx(81 / 120) and told["participation ratio"] == pytest.approx(1)


def test_when_most_is_learned():
    assert heterogeneity._first_learned(np.array([0.1, 0.5, 0.95, 1.0])) == 2
    assert heterogeneity._first_learned(np.array([1.0, 1.0])) == 0
