"""What every fusion must do, table-driven: a new public fusion without a row in cases.py fails here.

It equals its slow definition; its gradients are exact; what is padding, hidden or absent leaves no trace; it says truly
whether it is causal; its state copies over; what does not fit is refused by name.
"""

import inspect

import numpy as np
import pytest

from tinymm import fusion, nn
from tinymm.fusion import Fused
from tinymm.testing import check_directional

from .cases import CASES, Subject, as_leaves, gradients

SEEDS = range(3)
CLASSES = {name: getattr(fusion, name) for name in fusion.__all__
           if inspect.isclass(getattr(fusion, name)) and issubclass(getattr(fusion, name), nn.Module)}
every_case = pytest.mark.parametrize("name", CASES)
several_seeds = pytest.mark.parametrize("seed", SEEDS)
all_arguments = pytest.mark.parametrize("masked, partly", [(False, False), (True, False), (False, True), (True, True)],
                                        ids=["all", "masked", "absent", "masked and absent"])


def test_every_public_fusion_has_a_row():
    assert {name.partition("_")[0] for name in CASES} == set(CLASSES)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_constructors_have_at_most_eight_arguments(name):
    assert len(inspect.signature(CLASSES[name]).parameters) <= 8


@every_case
@all_arguments
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_result_has_the_width_that_the_fusion_says(name, dtype, masked, partly):
    subject = Subject(name, 0, dtype)
    fused = subject.fusion(subject.inputs, *subject.arguments(masked, partly)[0])
    assert isinstance(fused, Fused) and isinstance(subject.fusion.causal, bool)
    assert fused.features.shape[0] == len(subject.present) and fused.features.shape[-1] == subject.fusion.width
    assert fused.features.dtype == dtype
    assert fused.mask is None or fused.mask.dtype == bool and fused.mask.shape == fused.features.shape[:-1]


@every_case
@all_arguments
@several_seeds
def test_it_equals_its_slow_definition(name, seed, masked, partly):
    subject = Subject(name, seed)
    given, everywhere = subject.arguments(masked, partly)
    fused = subject.fusion(subject.inputs, *given)
    features, weights = subject.case.slow(subject.fusion, subject.inputs, *everywhere)
    np.testing.assert_allclose(fused.features.data, features, rtol=1e-10, atol=1e-12)
    if weights is not None:
        shown = everywhere[0][0][:, None, :, None]                       # of padding nothing is promised
        np.testing.assert_allclose(fused.weights.data * shown, weights * shown, rtol=1e-10, atol=1e-12)


@every_case
@all_arguments
def test_gradients_of_inputs_and_all_parameters(name, masked, partly):
    subject = Subject(name, 3)
    f, values = subject.function(*subject.arguments(masked, partly)[0], "features")
    assert check_directional(f, values, np.random.default_rng(0))


@every_case
def test_every_parameter_learns(name):
    subject = Subject(name, 0)
    inputs = as_leaves(subject.inputs)
    fused = subject.fusion(inputs)
    cotangent = np.random.default_rng(0).standard_normal(fused.features.shape)
    for path, g in gradients(subject, inputs, fused, cotangent).items():
        assert (np.abs(g).max() > 1e-9) != (path in subject.case.without_effect), path


@every_case
@several_seeds
@pytest.mark.parametrize("value", [7.0, np.nan, np.inf, -np.inf, 1e308, 1e-308])
@pytest.mark.parametrize("why", ["hidden", "absent"])
def test_what_is_hidden_or_absent_changes_nothing(name, seed, value, why):
    """Not one bit of features, weights and gradients; its own gradient is exactly zero."""
    masked = why == "hidden"
    found = []
    for content in (0.0, value):
        subject, rng = Subject(name, seed), np.random.default_rng(seed)
        left_out = [~mask for mask in subject.masks] if masked else \
            [np.broadcast_to(~here[:, None], mask.shape) for here, mask in zip(subject.present.T, subject.masks)]
        inputs = as_leaves(subject.replaced(left_out, content))
        fused = subject.fusion(inputs, *subject.arguments(masked, not masked)[0])
        pulled = gradients(subject, inputs, fused, rng.standard_normal(fused.features.shape))
        for i, gone in enumerate(left_out):
            assert not pulled[f"input {i}"][gone].any() and pulled[f"input {i}"].any()
        weights = [] if fused.weights is None else [fused.weights.data]
        found.append([fused.features.data, *weights, *pulled.values()])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@every_case
def test_padding_is_zero_and_passes_no_gradient(name):
    """Not even a cotangent of NaN finds its way through."""
    subject, rng = Subject(name, 0), np.random.default_rng(0)
    inputs = as_leaves(subject.inputs)
    fused = subject.fusion(inputs, subject.masks)
    if fused.mask is None:
        return                                                           # no positions: a vector, or decisions
    assert not fused.features.data[~fused.mask].any() and (~fused.mask).any()
    g = rng.standard_normal(fused.features.shape)
    expected = gradients(subject, inputs, subject.fusion(inputs, subject.masks), g)
    for path, found in gradients(subject, inputs, fused, np.where(fused.mask[..., None], g, np.nan)).items():
        np.testing.assert_array_equal(found, expected[path], err_msg=path)


@every_case
def test_masks_that_hide_nothing_and_modalities_all_present_change_nothing(name):
    subject = Subject(name, 0)
    everywhere = tuple(np.ones_like(mask) for mask in subject.masks)
    expected = subject.fusion(subject.inputs)
    for masks, present in ((everywhere, None), (None, np.ones_like(subject.present)), ([None] * len(everywhere), None)):
        fused = subject.fusion(subject.inputs, masks, present)
        np.testing.assert_allclose(fused.features.data, expected.features.data, rtol=1e-12, atol=1e-13)


@every_case
def test_an_example_does_not_know_its_company(name):
    subject = Subject(name, 0)
    order = np.random.default_rng(0).permutation(len(subject.present))
    expected = subject.fusion(subject.inputs, subject.masks, subject.present)
    fused = subject.fusion(tuple(x[order] for x in subject.inputs), tuple(mask[order] for mask in subject.masks),
                           subject.present[order])
    np.testing.assert_allclose(fused.features.data, expected.features.data[order], rtol=1e-11, atol=1e-13)


@every_case
def test_it_says_truly_whether_it_is_causal(name):
    """Whether features at t are the same, to the last bit, whatever the first input holds after t."""
    subject, sees_the_future = Subject(name, 0), False
    expected = subject.fusion(subject.inputs).features.data
    for t in range(1, subject.inputs[0].shape[1]):
        changed = subject.inputs[0].copy()
        changed[:, t:] += 1.0
        found = subject.fusion((changed, *subject.inputs[1:])).features.data
        assert not np.allclose(found, expected)
        sees_the_future |= not np.array_equal(found[:, :t], expected[:, :t])
    assert subject.fusion.causal != sees_the_future


@every_case
def test_state_round_trip(name):
    one, other = Subject(name, 1), Subject(name, 2)
    other.fusion.load_state_dict(one.fusion.state_dict())
    np.testing.assert_array_equal(*(f(one.inputs, one.masks).features.data for f in (one.fusion, other.fusion)))


@every_case
def test_another_number_of_inputs_is_refused_by_name(name):
    subject, kind = Subject(name, 0), name.partition("_")[0]
    count = len(subject.inputs)
    rule = rf"{kind}: inputs must be a tuple of {count}, \(.*\); got "
    for inputs, came in ((subject.inputs[:1], "1"), ((*subject.inputs, subject.inputs[0]), str(count + 1)),
                         ((), "0"), (subject.inputs[0], "a single ndarray")):
        with pytest.raises(ValueError, match=rule + came):
            subject.fusion(inputs)
    with pytest.raises(ValueError, match=rule.replace("inputs", "masks") + "1"):
        subject.fusion(subject.inputs, subject.masks[:1])
    with pytest.raises(ValueError, match=rule.replace("inputs", "masks") + "a single ndarray"):
        subject.fusion(subject.inputs, subject.masks[0])
    with pytest.raises(ValueError, match=f"{kind}: inputs must be of one batch; got"):
        subject.fusion((*subject.inputs[:-1], subject.inputs[-1][:1]))


@every_case
def test_masks_and_presence_that_do_not_fit_are_refused_by_name(name):
    subject, kind = Subject(name, 0), name.partition("_")[0]
    batch, count = subject.present.shape
    for i, (modality, mask) in enumerate(zip(subject.fusion.modalities, subject.masks)):
        for wrong in (mask.astype(int), mask[:, 1:], mask[:1]):
            masks = [*subject.masks[:i], wrong, *subject.masks[i + 1:]]
            with pytest.raises(ValueError, match=rf"{kind}, {modality}: the mask must be boolean \({batch}, .*; got "):
                subject.fusion(subject.inputs, masks)
    for wrong in (subject.present.astype(int), subject.present[:, :1], subject.present.T):
        with pytest.raises(ValueError, match=rf"{kind}: present must be boolean \({batch}, {count}\), .*; got "):
            subject.fusion(subject.inputs, None, wrong)
