"""What single fusions of vectors promise beyond the contract."""

import itertools

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F
from tinymm import fusion

from . import slow_vectors
from .cases import CASES, Subject

TWO = {"text": 5, "image": 3}


def subsets(count):
    """Every row of `present`, the empty one too."""
    return np.array(list(itertools.product((False, True), repeat=count)))


VECTORS = [name for name, case in CASES.items() if case.make(np.random.default_rng(0)).kind == "vectors"]


@pytest.mark.parametrize("name", VECTORS)
def test_any_subset_may_be_absent(name):
    """All of them at once: finite, as by the slow definition, and equal for all that have nothing."""
    subject = Subject(name, 0)
    present = subsets(len(subject.inputs))
    inputs = tuple(np.resize(x, (len(present), x.shape[1])) for x in subject.inputs)
    poisoned = tuple(np.where(here[:, None], x, np.nan) for x, here in zip(inputs, present.T))
    found = subject.fusion(poisoned, None, present)
    expected, _ = subject.case.slow(subject.fusion, inputs, None, present)
    np.testing.assert_allclose(found.features.data, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("wrong", [{"hidden": 0}, {"rank": 0}, {"width": 0}, {"width": 2.5}, {"chunks": True}])
def test_sizes_that_are_none_are_refused_by_name(wrong, rng):
    (what, size), = wrong.items()
    with pytest.raises(ValueError, match=f"BLOCKFusion: {what} must be a positive whole number; got {size}"):
        fusion.BLOCKFusion(TWO, **wrong, rng=rng)


@pytest.mark.parametrize("make", [fusion.BilinearFusion, fusion.MLBFusion, fusion.MFBFusion, fusion.MFHFusion,
                                  fusion.MUTANFusion, fusion.BLOCKFusion, fusion.MCBFusion, fusion.FiLMFusion])
def test_products_are_of_two(make, rng):
    with pytest.raises(ValueError, match=f"{make.__name__}: widths must be a dict of 2 modalities"):
        make({"text": 2, "image": 2, "speech": 2}, rng=rng)


def test_concatenation_and_addition_are_one_family(rng):
    """The blocks of columns of one W are the maps of the other; so are their gradients."""
    widths = {"text": 5, "image": 3, "speech": 2}
    joined = fusion.ConcatenationFusion(widths, 6, rng=rng).to(np.float64)
    added = fusion.AdditionFusion(widths, 6, rng=rng).to(np.float64)
    cuts = np.cumsum(list(widths.values()))[:-1]
    for part, layer in zip(np.split(joined.linear.weight.data, cuts, axis=1), added.maps):
        layer.weight.data[...] = part
    added.bias.data[...] = joined.linear.bias.data
    inputs, g = tuple(rng.standard_normal((4, n)) for n in widths.values()), rng.standard_normal((4, 6))
    one, other = joined(inputs).features, added(inputs).features
    np.testing.assert_allclose(one.data, other.data, rtol=1e-12, atol=1e-13)
    one.backward(g)
    other.backward(g)
    for part, layer in zip(np.split(joined.linear.weight.grad, cuts, axis=1), added.maps):
        np.testing.assert_allclose(part, layer.weight.grad, rtol=1e-12, atol=1e-13)


def test_gates_are_shares_of_what_is_there(rng):
    make = fusion.GatingFusion({"text": 5, "image": 3, "speech": 2}, 4, rng=rng)
    present = subsets(3)
    inputs = tuple(rng.standard_normal((len(present), n)).astype(np.float32) for n in (5, 3, 2))
    gates = make(inputs, None, present).weights.data
    assert not gates[~present].any() and (gates[present] > 0).all()
    np.testing.assert_allclose(gates.sum(1), present.any(1), rtol=1e-6)
    alone = present.sum(1) == 1
    np.testing.assert_allclose(gates[alone], present[alone], rtol=1e-6)


def test_the_two_gates_of_a_unit_sum_to_one(rng):
    unit = fusion.GatedMultimodalUnit(TWO, 4, rng=rng)
    present = subsets(2)
    inputs = tuple(rng.standard_normal((4, n)).astype(np.float32) for n in TWO.values())
    gates = unit(inputs, None, present).weights.data
    np.testing.assert_allclose(gates.sum(1), np.broadcast_to(present.any(1)[:, None], (4, 4)), rtol=1e-6)


def test_low_rank_fusion_is_tensor_fusion_with_a_sum_of_products_for_its_weights(rng):
    widths = {"text": 3, "image": 2, "speech": 4}
    low = fusion.LowRankFusion(widths, 5, rank=3, rng=rng).to(np.float64)
    low.ranks.data[...] = rng.standard_normal(3)
    factors = [slow_vectors.with_bias(layer).reshape(3, 5, -1) for layer in low.factors]
    whole = fusion.TensorFusion(widths, 5, rng=rng).to(np.float64)
    whole.linear.weight.data[...] = np.einsum("r,rka,rkb,rkc->kabc", low.ranks.data, *factors).reshape(5, -1)
    inputs = tuple(rng.standard_normal((6, n)) for n in widths.values())
    np.testing.assert_allclose(low(inputs).features.data, whole(inputs).features.data, rtol=1e-10, atol=1e-12)


def test_every_factor_of_low_rank_fusion_trains(rng):
    low = fusion.LowRankFusion(TWO, 4, rank=3, rng=rng)
    assert low.num_parameters() == 3 * 4 * (6 + 4) + 3 + 4
    low(tuple(rng.standard_normal((2, n)).astype(np.float32) for n in TWO.values())).features.sum().backward()
    assert all(p.grad.any() for p in low.parameters())


@pytest.mark.parametrize("make", [lambda rng: fusion.MFBFusion(TWO, 4, rng=rng),
                                  lambda rng: fusion.MCBFusion(TWO, 8, rng=rng),
                                  lambda rng: fusion.BLOCKFusion(TWO, 4, 8, 3, rng=rng)])
def test_products_of_nothing_have_finite_gradients(make, rng):
    """ReLU features that are all zero: no NaN in value or gradient, to second order."""
    pool = make(rng).to(np.float64)
    for name, parameter in pool.named_parameters():
        if name.endswith("bias"):
            parameter.data[...] = 0
    x, y = tm.tensor(np.zeros((1, 5)), requires_grad=True), tm.tensor(rng.standard_normal((1, 3)), requires_grad=True)
    z = pool((x, y)).features
    grads = tm.grad(z.sum(), [x, y], create_graph=True)
    second = tm.grad(sum((g * g).sum() for g in grads), [x, y], allow_unused=True)
    assert all(np.isfinite(v.data).all() for v in (z, *grads, *second) if v is not None)


@pytest.mark.parametrize("width", [8, 31, 32])
def test_places_that_no_product_reaches_are_zero(width, rng):
    """Not the root of the rounding errors of a transform."""
    pool = fusion.MCBFusion({"text": 3, "image": 2}, width, rng=rng)
    z = pool((rng.standard_normal((4, 3)).astype(np.float32), rng.standard_normal((4, 2)).astype(np.float32))).features
    assert not z.data[:, ~pool.reached].any() and pool.reached.sum() <= 6 and (~pool.reached).any()


def test_sketches_are_saved_and_never_trained(rng):
    one, other = (fusion.MCBFusion(TWO, 16, rng=np.random.default_rng(seed)) for seed in (0, 1))
    inputs = tuple(rng.standard_normal((4, n)).astype(np.float32) for n in TWO.values())
    assert not np.allclose(one(inputs).features.data, other(inputs).features.data)
    other.load_state_dict(one.state_dict())
    np.testing.assert_array_equal(one(inputs).features.data, other(inputs).features.data)
    assert not list(one.parameters())


def test_more_room_makes_a_sketch_a_better_stand_in_for_the_outer_product(rng):
    """The error of ⟨s, s′⟩ falls as 1/√D: over 64 times as much room, eight-fold; at least four-fold is asked for."""
    x, y = rng.standard_normal((2, 2, 1, 20))
    true = (x[0] @ x[1].T * (y[0] @ y[1].T)).item()

    def error(width):
        products = []
        for seed in range(100):
            pool = fusion.MCBFusion({"a": 20, "b": 20}, width, rng=np.random.default_rng(seed)).to(np.float64)
            left = F.count_sketch(x, pool.left_places, pool.left_signs, width)
            right = F.count_sketch(y, pool.right_places, pool.right_signs, width)
            s = F.circular_convolution(left, right)
            products.append((s[0] @ s[1].T).item())
        return np.sqrt(np.mean((np.array(products) - true) ** 2))

    assert error(2048) < error(32) / 4


@pytest.mark.parametrize("hidden, chunks, sizes",
                         [(7, 3, [3, 3, 1]), (8, 3, [3, 3, 2]), (6, 3, [2, 2, 2]), (5, 1, [5])])
def test_chunks_share_what_there_is(hidden, chunks, sizes, rng):
    assert fusion.BLOCKFusion(TWO, 4, hidden, chunks, rng=rng).sizes == sizes


def test_chunks_that_leave_nothing_are_refused(rng):
    with pytest.raises(ValueError, match="BLOCKFusion: 4 chunks of 2 leave nothing of hidden = 6 for the last"):
        fusion.BLOCKFusion(TWO, 4, 6, 4, rng=rng)


def test_orders_must_share_the_width(rng):
    with pytest.raises(ValueError, match="MFHFusion: order must divide width; got 2 and 5"):
        fusion.MFHFusion(TWO, 5, rng=rng)


def test_without_a_modulator_film_is_linear(rng):
    """γ and β are constants then."""
    subject = Subject("FiLMFusion", 0)
    film, (x, by) = subject.fusion, subject.inputs
    absent = np.tile([True, False], (len(x), 1))
    gamma = 1 + film.scale.bias.data
    np.testing.assert_allclose(film((x, np.full_like(by, np.nan)), None, absent).features.data,
                               gamma * (x @ film.features.weight.data.T) + film.shift.bias.data, rtol=1e-12)
