"""What every fusion must do, table-driven: a new public fusion without a row in cases.py fails here.

It equals its slow definition; its gradients are exact; what is padding, hidden or absent leaves no trace; it says truly
whether it is causal; its state copies over; what does not fit is refused by name.
"""

import inspect

import numpy as np
import pytest

from tinymm import fusion, nn
from tinymm.fusion import Fused
from tinymm.testing import check_directional, check_taylor

from .cases import CASES, Subject, as_leaves, cotangents_of, gradients, streams

SEEDS = range(3)
CLASSES = {name: getattr(fusion, name) for name in fusion.__all__
           if inspect.isclass(getattr(fusion, name)) and issubclass(getattr(fusion, name), nn.Module)
           and name not in ("FusedClassifier", "FusedOverTime")}
# of the object: a wrapper's kind is not its class's
KIND = {name: case.make(np.random.default_rng(0)).kind for name, case in CASES.items()}
SEQUENCES = [name for name, kind in KIND.items() if kind == "sequences"]
MASKED_AND_PARTLY = [(False, False), (True, False), (False, True), (True, True)]
every_case = pytest.mark.parametrize("name", CASES)
every_case_of_sequences = pytest.mark.parametrize("name", SEQUENCES)
several_seeds = pytest.mark.parametrize("seed", SEEDS)
all_arguments = pytest.mark.parametrize("name, masked, partly", [
    (name, masked, partly) for name in CASES for masked, partly in MASKED_AND_PARTLY
    if not masked or name in SEQUENCES])


def test_every_public_fusion_has_a_row():
    assert {name.partition("_")[0] for name in CASES} == set(CLASSES)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_constructors_have_at_most_eight_arguments(name):
    assert len(inspect.signature(CLASSES[name]).parameters) <= 8


@all_arguments
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_result_has_the_width_that_the_fusion_says(name, dtype, masked, partly):
    subject = Subject(name, 0, dtype)
    fused = subject.fusion(subject.inputs, *subject.arguments(masked, partly)[0])
    assert isinstance(fused, Fused) and isinstance(subject.fusion.causal, bool)
    several = isinstance(fused.features, tuple)
    assert isinstance(subject.fusion.width, tuple if several else int)
    assert fused.mask is None or isinstance(fused.mask, tuple) == several
    masks = streams(fused.mask) if fused.mask is not None else (None,) * len(streams(fused.features))
    for features, mask, width in zip(streams(fused.features), masks, streams(subject.fusion.width), strict=True):
        assert features.shape[0] == len(subject.present) and features.shape[-1] == width
        assert features.dtype == dtype
        assert mask is None or mask.dtype == bool and mask.shape == features.shape[:-1]


@all_arguments
@several_seeds
def test_it_equals_its_slow_definition(name, seed, masked, partly):
    subject = Subject(name, seed)
    given, everywhere = subject.arguments(masked, partly)
    fused = subject.fusion(subject.inputs, *given)
    features, weights = subject.case.slow(subject.fusion, subject.inputs, *everywhere)
    for found, expected in zip(streams(fused.features), streams(features), strict=True):
        np.testing.assert_allclose(found.data, expected, rtol=1e-10, atol=1e-12)
    assert (fused.weights is None) == (weights is None)
    for found, expected in zip(streams(fused.weights), streams(weights), strict=True):
        if expected is not None:
            promised = ~np.isnan(expected)
            np.testing.assert_allclose(found.data[promised], expected[promised], rtol=1e-10, atol=1e-12)


@all_arguments
def test_gradients_of_inputs_and_all_parameters(name, masked, partly):
    """To first order along random directions, to second by Taylor's remainder."""
    subject = Subject(name, 3)
    f, values = subject.function(*subject.arguments(masked, partly)[0], "features")
    assert check_directional(f, values, np.random.default_rng(0))
    for i in range(len(streams(subject.fusion.width))):
        assert check_taylor(lambda *x, i=i: streams(f(*x))[i], values, np.random.default_rng(0))


@every_case
def test_every_parameter_learns(name):
    """Those too that only an example without some modality needs."""
    subject = Subject(name, 0)
    inputs = as_leaves(subject.inputs)
    fused = subject.fusion(inputs, None, subject.present)
    for path, g in gradients(subject, inputs, fused, cotangents_of(fused, np.random.default_rng(0))).items():
        assert (np.abs(g).max() > 1e-9) != (path in subject.case.without_effect), path


@pytest.mark.parametrize("name, why", [(name, "absent") for name in CASES] + [(name, "hidden") for name in SEQUENCES])
@several_seeds
@pytest.mark.parametrize("value", [7.0, np.nan, np.inf, -np.inf, 1e308, 1e-308])
def test_what_is_hidden_or_absent_changes_nothing(name, seed, value, why):
    """Not one bit of features, weights and gradients; its own gradient is exactly zero."""
    masked = why == "hidden"
    found = []
    for content in (0.0, value):
        subject, rng = Subject(name, seed), np.random.default_rng(seed)
        left_out = subject.left_out(masked)
        inputs = as_leaves(subject.replaced(left_out, content))
        fused = subject.fusion(inputs, *subject.arguments(masked, not masked)[0])
        pulled = gradients(subject, inputs, fused, cotangents_of(fused, rng))
        for i, gone in enumerate(left_out):
            assert not pulled[f"input {i}"][gone].any() and pulled[f"input {i}"].any()
        shown = [] if fused.weights is None else streams(fused.weights)
        found.append([*(x.data for x in (*streams(fused.features), *shown)), *pulled.values()])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@every_case_of_sequences
def test_padding_is_zero_and_passes_no_gradient(name):
    """Not even a cotangent of NaN finds its way through."""
    subject, rng = Subject(name, 0), np.random.default_rng(0)
    inputs = as_leaves(subject.inputs)
    fused = subject.fusion(inputs, subject.masks)
    if fused.mask is None:
        return                                                           # nobody's positions: all are real
    g = cotangents_of(fused, rng)
    poisoned = []
    for features, mask, cotangent in zip(streams(fused.features), streams(fused.mask), g, strict=True):
        if mask is None:
            poisoned.append(cotangent)                                   # a stream without padding, such as latents
            continue
        assert not features.data[~mask].any() and (~mask).any()
        poisoned.append(np.where(mask[..., None], cotangent, np.nan))
    expected = gradients(subject, inputs, subject.fusion(inputs, subject.masks), g)
    for path, found in gradients(subject, inputs, fused, tuple(poisoned)).items():
        np.testing.assert_array_equal(found, expected[path], err_msg=path)


@every_case
def test_masks_that_hide_nothing_and_modalities_all_present_change_nothing(name):
    subject = Subject(name, 0)
    expected = subject.fusion(subject.inputs)
    nothing = [None] * len(subject.inputs)
    everywhere = tuple(np.ones_like(mask) for mask in subject.masks) if subject.masks else nothing
    for masks, present in ((everywhere, None), (None, np.ones_like(subject.present)), (nothing, None)):
        fused = subject.fusion(subject.inputs, masks, present)
        for one, other in zip(streams(fused.features), streams(expected.features), strict=True):
            np.testing.assert_allclose(one.data, other.data, rtol=1e-12, atol=1e-13)


@every_case
def test_an_example_does_not_know_its_company(name):
    subject = Subject(name, 0)
    order = np.random.default_rng(0).permutation(len(subject.present))
    expected = subject.fusion(subject.inputs, subject.masks, subject.present)
    masks = subject.masks and tuple(mask[order] for mask in subject.masks)
    fused = subject.fusion(tuple(x[order] for x in subject.inputs), masks, subject.present[order])
    for one, other in zip(streams(fused.features), streams(expected.features), strict=True):
        np.testing.assert_allclose(one.data, other.data[order], rtol=1e-11, atol=1e-13)


@every_case
def test_it_says_truly_whether_it_is_causal(name):
    """Whether features at t are the same, to the last bit, whatever the first input holds after t."""
    subject, sees_the_future = Subject(name, 0), False
    if subject.case.positions == "none":
        assert not subject.fusion.causal
        return
    expected = streams(subject.fusion(subject.inputs).features)[0].data
    for t in range(1, subject.inputs[0].shape[1]):
        changed = subject.inputs[0].copy()
        changed[:, t:] += np.random.default_rng(t).standard_normal(changed[:, t:].shape)
        found = streams(subject.fusion((changed, *subject.inputs[1:])).features)[0].data
        assert not np.allclose(found, expected)
        sees_the_future |= not np.array_equal(found[:, :t], expected[:, :t])
    assert subject.fusion.causal != sees_the_future


@every_case_of_sequences
def test_permuting_positions_permutes_the_features_of_these_positions_and_changes_nothing_else(name):
    """But for the inputs whose order counts: there it does change something."""
    subject, rng = Subject(name, 0), np.random.default_rng(0)
    expected = streams(subject.fusion(subject.inputs, subject.masks).features)
    for i, x in enumerate(subject.inputs):
        order = rng.permutation(x.shape[1])
        inputs, masks = list(subject.inputs), list(subject.masks)
        for j in range(len(inputs)) if subject.case.positions == "aligned" else (i,):
            inputs[j], masks[j] = subject.inputs[j][:, order], subject.masks[j][:, order]
        found = streams(subject.fusion(tuple(inputs), tuple(masks)).features)
        before, same = sum(y.shape[1] for y in subject.inputs[:i]), []
        whose = {"first": [0] if i == 0 else [], "streams": [i], "aligned": [0]}.get(subject.case.positions, [])
        for k, (one, other) in enumerate(zip(found, expected, strict=True)):
            moved = np.arange(other.shape[1]) if other.ndim == 3 else None
            if subject.case.positions == "joined":
                moved[before:before + x.shape[1]] = before + order
            elif k in whose:
                moved = order
            law = other.data if moved is None else other.data[:, moved]
            same.append(np.allclose(one.data, law, rtol=1e-10, atol=1e-12))
        assert all(same) != (i in subject.case.ordered), (i, same)


@every_case
def test_state_round_trip(name):
    one, other = Subject(name, 1), Subject(name, 2)
    other.fusion.load_state_dict(one.fusion.state_dict())
    for x, y in zip(*(streams(f(one.inputs, one.masks).features) for f in (one.fusion, other.fusion)), strict=True):
        np.testing.assert_array_equal(x.data, y.data)


@every_case
def test_another_number_of_inputs_is_refused_by_name(name):
    subject, kind = Subject(name, 0), name.partition("_")[0]
    count = len(subject.inputs)
    rule = rf"{kind}: inputs must be a tuple of {count}, \(.*\); got "
    for inputs, came in ((subject.inputs[:1], "1"), ((*subject.inputs, subject.inputs[0]), str(count + 1)),
                         ((), "0"), (subject.inputs[0], "a single ndarray")):
        with pytest.raises(ValueError, match=rule + came):
            subject.fusion(inputs)
    masks = subject.masks or (None,) * count
    with pytest.raises(ValueError, match=rule.replace("inputs", "masks") + "1"):
        subject.fusion(subject.inputs, masks[:1])
    with pytest.raises(ValueError, match=rule.replace("inputs", "masks") + "a single ndarray"):
        subject.fusion(subject.inputs, np.ones(subject.inputs[0].shape[:2], bool))
    with pytest.raises(ValueError, match=f"{kind}: inputs must be of one batch; got"):
        subject.fusion((*subject.inputs[:-1], subject.inputs[-1][:1]))
    with pytest.raises(ValueError, match=f"{kind}: inputs must be {subject.fusion.kind} .*; got"):
        subject.fusion((subject.inputs[0][0], *subject.inputs[1:]))


@every_case
def test_another_width_is_refused_by_name(name):
    subject, kind = Subject(name, 0), name.partition("_")[0]
    for i, (x, modality) in enumerate(zip(subject.inputs, subject.fusion.modalities)):
        inputs = (*subject.inputs[:i], x[..., :-1], *subject.inputs[i + 1:])
        with pytest.raises(ValueError, match=rf"{kind}, {modality}: the last axis must be {x.shape[-1]}; got "):
            subject.fusion(inputs)


@every_case
def test_masks_and_presence_that_do_not_fit_are_refused_by_name(name):
    subject, kind = Subject(name, 0), name.partition("_")[0]
    batch, count = subject.present.shape
    for i, (modality, mask) in enumerate(zip(subject.fusion.modalities, subject.masks or ())):
        for wrong in (mask.astype(int), mask[:, 1:], mask[:1]):
            masks = [*subject.masks[:i], wrong, *subject.masks[i + 1:]]
            with pytest.raises(ValueError, match=rf"{kind}, {modality}: the mask must be boolean \({batch}, .*; got "):
                subject.fusion(subject.inputs, masks)
    if not subject.masks:
        with pytest.raises(ValueError, match=f"{kind}: {subject.fusion.kind} have no positions to mask"):
            subject.fusion(subject.inputs, [np.ones((batch, 1), bool)] * count)
    for wrong in (subject.present.astype(int), subject.present[:, :1], subject.present.T):
        with pytest.raises(ValueError, match=rf"{kind}: present must be boolean \({batch}, {count}\), .*; got "):
            subject.fusion(subject.inputs, None, wrong)
