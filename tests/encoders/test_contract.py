"""What every encoder must do, table-driven: a new public encoder without a row in cases.py fails here.

Results by name, masks that hide without a trace, exact gradients, a state that copies over.
"""

import inspect

import numpy as np
import pytest

import tinymm as tm
from tinymm import encoders, nn
from tinymm.encoders import Encoded
from tinymm.testing import check_directional

from .cases import (
    CASES,
    FRONT_ENDS,
    GUIDED,
    IMAGE,
    OF_ONE_LENGTH,
    PICTURE,
    POOLING,
    UNUSED,
    UNUSED_PARAMETERS,
    Subject,
    as_leaves,
    gradients,
)

SEEDS = range(3)
CLASSES = {name: getattr(encoders, name) for name in encoders.__all__
           if inspect.isclass(getattr(encoders, name)) and issubclass(getattr(encoders, name), nn.Module)}
every_case = pytest.mark.parametrize("name", CASES)
MASKING = [name for name, (modality, _) in CASES.items() if modality.hide]
every_masking_case = pytest.mark.parametrize("name", MASKING)
every_case_of_any_length = pytest.mark.parametrize("name", [name for name in MASKING if name not in OF_ONE_LENGTH])


def random_mask(rng, mask):
    """Besides padding, holes; the first position stays."""
    holed = mask & (rng.random(mask.shape) < 0.7)
    holed[:, 0] = mask[:, 0]
    return holed


def test_every_public_encoder_has_a_row():
    rows = {name.partition("_")[0] for name in CASES}
    assert rows | FRONT_ENDS == set(CLASSES) and not rows & FRONT_ENDS


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_constructors_have_at_most_eight_arguments(name):
    assert len(inspect.signature(CLASSES[name]).parameters) <= 8


@every_case
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_result_has_the_widths_that_the_encoder_says(name, dtype):
    subject = Subject(name, 0, dtype=dtype)
    encoder = subject.encoder
    for mask in (None, subject.mask):
        encoded = subject(mask=mask)
        assert isinstance(encoded, Encoded)
        batch, length, width = encoded.sequence.shape
        assert batch == 3 and width == encoder.width and encoded.pooled.shape == (3, encoder.pooled_width)
        assert encoded.sequence.dtype == encoded.pooled.dtype == dtype
        assert mask is None or encoded.mask is not None
        if encoded.mask is not None:
            assert encoded.mask.dtype == bool and encoded.mask.shape == (batch, length)
            assert mask is not None or encoded.mask.all()


@every_case
def test_a_mask_that_hides_nothing_changes_nothing(name):
    subject = Subject(name, 0)
    for one, other in zip(subject()[:2], subject(mask=np.ones_like(subject.mask))):
        np.testing.assert_allclose(one.data, other.data, rtol=1e-11, atol=1e-12)


@every_case
@pytest.mark.parametrize("seed", SEEDS)
def test_hidden_features_are_zero_and_pass_no_gradient(name, seed):
    """Not even a cotangent of NaN finds its way through."""
    subject, rng = Subject(name, seed), np.random.default_rng(seed)
    mask = random_mask(rng, subject.mask)
    inputs = as_leaves(subject.inputs)
    encoded = subject(inputs, mask)
    assert not encoded.sequence.data[~encoded.mask].any()
    g, pooled_g = (rng.standard_normal(part.shape) for part in encoded[:2])
    poisoned = np.where(encoded.mask[..., None], g, np.nan)
    expected = gradients(subject, inputs, subject(inputs, mask), [g, pooled_g])
    for path, found in gradients(subject, inputs, encoded, [poisoned, pooled_g]).items():
        np.testing.assert_array_equal(found, expected[path], err_msg=path)


@every_masking_case
@pytest.mark.parametrize("value", [7.0, np.nan, np.inf, -np.inf, 1e308, 1e-308])
def test_what_the_mask_hides_changes_nothing(name, value):
    """Not one bit of values, of all gradients and of batch statistics, in training mode; its own gradient is zero."""
    found = []
    for hidden in (0.0, value):
        subject, rng = Subject(name, 1), np.random.default_rng(1)
        subject.mask = random_mask(rng, subject.mask)
        inputs = as_leaves(subject.hidden(hidden))
        encoded = subject(inputs, subject.mask)
        cotangents = [rng.standard_normal(part.shape) for part in encoded[:2]]
        pulled = gradients(subject, inputs, encoded, cotangents)
        if isinstance(inputs[0], tm.Tensor):
            assert not pulled["input 0"][~subject.mask].any() and pulled["input 0"][subject.mask].any()
        else:
            assert not pulled["embedding.weight"][UNUSED].any() and pulled["embedding.weight"].any()
        found.append([encoded.sequence.data, encoded.pooled.data, encoded.mask, *pulled.values(),
                      *subject.encoder.buffers()])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@every_case_of_any_length
@pytest.mark.parametrize("seed", SEEDS)
def test_alone_it_is_the_same_as_among_longer_ones(name, seed):
    """However much padding follows; in float64, as products of other shapes may add up in another order."""
    subject = Subject(name, seed, lengths=(3, 7, 5))
    subject.encoder.eval()
    together = subject(mask=subject.mask)
    for row, length in enumerate(subject.mask.sum(1)):
        first, *others = [a[row:row + 1] for a in subject.inputs]
        alone = subject([first[:, :length], *others])
        own = alone.sequence.shape[1]
        assert together.mask[row].sum() == own
        np.testing.assert_allclose(together.sequence.data[row, :own], alone.sequence.data[0], rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(together.pooled.data[row], alone.pooled.data[0], rtol=1e-9, atol=1e-10)


@every_case_of_any_length
@pytest.mark.parametrize("more", [1, 3])
def test_however_much_padding_follows_it_is_the_same(name, more):
    """In training mode too, whose batch statistics do not see it."""
    subject = Subject(name, 0)
    first, *others = subject.inputs
    longer = np.concatenate([first, np.full((len(first), more, *first.shape[2:]), 7, first.dtype)], 1)
    expected = subject(mask=subject.mask)
    found = subject([longer, *others], np.concatenate([subject.mask, np.zeros((len(first), more), bool)], 1))
    length = expected.sequence.shape[1]
    np.testing.assert_allclose(found.sequence.data[:, :length], expected.sequence.data, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(found.pooled.data, expected.pooled.data, rtol=1e-9, atol=1e-11)
    assert not found.mask[:, length:].any()


@every_case
def test_in_eval_mode_an_example_does_not_know_its_company(name):
    subject, order = Subject(name, 0), np.array([2, 0, 1, 0])
    subject.encoder.eval()
    expected = subject(mask=subject.mask)
    found = subject([a[order] for a in subject.inputs], subject.mask[order])
    for one, other in zip(found[:2], expected):
        np.testing.assert_allclose(one.data, other.data[order], rtol=1e-10, atol=1e-12)


@every_case
def test_where_nothing_is_real_everything_is_finite_and_the_sequence_zero(name):
    subject = Subject(name, 0)
    subject.mask[1] = False
    encoded = subject(mask=subject.mask)
    assert not encoded.sequence.data[1].any() and np.isfinite(encoded.pooled.data).all()
    inputs = as_leaves(subject.inputs)
    encoded = subject(inputs, subject.mask)
    for path, g in gradients(subject, inputs, encoded, [np.ones(x.shape) for x in encoded[:2]]).items():
        assert np.isfinite(g).all(), path


@every_case
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("part", ["sequence", "pooled"])
def test_gradients_of_inputs_and_all_parameters(name, part, masked):
    subject = Subject(name, 2)
    f, values = subject.function(subject.mask if masked else None, lambda encoded: getattr(encoded, part))
    assert check_directional(f, values, np.random.default_rng(0))


@every_case
def test_every_parameter_learns(name):
    subject = Subject(name, 0)
    encoded = subject(mask=subject.mask)
    rng = np.random.default_rng(0)
    found = gradients(subject, [], encoded, [rng.standard_normal(x.shape) for x in encoded[:2]])
    for path, g in found.items():
        unused = name.startswith(POOLING) and path.startswith(UNUSED_PARAMETERS)
        assert g.any() != unused, path


@every_case
def test_state_round_trip(name):
    one, other = Subject(name, 1), Subject(name, 2)
    other.encoder.load_state_dict(one.encoder.state_dict())
    results = [subject.modality.call(subject.encoder.eval(), one.inputs, one.mask) for subject in (one, other)]
    for a, b in zip(*results):
        np.testing.assert_array_equal(getattr(a, "data", a), getattr(b, "data", b))


@every_case
def test_wrong_masks_are_refused_by_name(name):
    subject = Subject(name, 0)
    rule = rf"{name.partition('_')[0]}: the mask must be boolean \({subject.mask.shape[0]}, {subject.mask.shape[1]}\)"
    for wrong in (subject.mask[:, 1:], subject.mask[:1], subject.mask.astype(int), subject.mask[0]):
        with pytest.raises(ValueError, match=rule + r", True where a position is real; got (bool|int64) \("):
            subject(mask=wrong)
    for one, other in zip(subject(mask=tm.tensor(subject.mask))[:2], subject(mask=subject.mask)):
        np.testing.assert_array_equal(one.data, other.data)


@pytest.mark.parametrize("name", [name for name, (modality, _) in CASES.items()
                                  if modality in (IMAGE, GUIDED, PICTURE)])
@pytest.mark.parametrize("seed", SEEDS)
def test_an_image_mask_lies_over_the_final_grid(name, seed):
    """Visible regions are what they are without a mask: the network has seen the whole image."""
    subject = Subject(name, seed)
    hidden, whole = subject(mask=subject.mask), subject()
    np.testing.assert_array_equal(hidden.sequence.data[subject.mask], whole.sequence.data[subject.mask])


@pytest.mark.parametrize("name", [name for name in CASES
                                  if "dropout" in inspect.signature(CLASSES[name.partition("_")[0]]).parameters])
def test_dropout_is_for_training_alone(name):
    subject = Subject(name, 0)
    layers = [layer for layer in subject.encoder.modules() if isinstance(layer, nn.Dropout)]
    for layer in layers:
        layer.p = 0.5
    assert layers and not np.array_equal(subject().pooled.data, subject().pooled.data)
    subject.encoder.eval()
    np.testing.assert_array_equal(subject().pooled.data, subject().pooled.data)
