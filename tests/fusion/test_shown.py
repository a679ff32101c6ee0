"""What fusions say their weights are, held against what the weights do."""

import numpy as np
import pytest

import tinymm as tm
from tinymm.fusion import Attends, Gates, Scales, attention_maps, gate_values

from .cases import CASES, Subject, streams

FUSIONS = {name: case.make(np.random.default_rng(0)) for name, case in CASES.items()}
LOOKING = [name for name, made in FUSIONS.items() if any(isinstance(what, Attends) for what in made.shows)]
GATED = [name for name, made in FUSIONS.items() if any(isinstance(what, Gates) for what in made.shows)]
SCALING = [name for name, made in FUSIONS.items() if any(isinstance(what, Scales) for what in made.shows)]
BOTH_WAYS = {"ParallelCoAttention", "AlternatingCoAttention", "CoAttentionBlock", "IntermediateFusion", "EarlyFusion",
             "MulTFusion"}


def lengths_of(subject):
    return [x.shape[1] for x in subject.inputs]


def test_whoever_has_weights_says_what_they_are():
    for name, made in FUSIONS.items():
        subject = Subject(name, 0)
        weights = subject.fusion(subject.inputs).weights
        assert len(made.shows) <= (0 if weights is None else len(streams(weights))), name
        assert made.shows or weights is None, name


@pytest.mark.parametrize("name", LOOKING)
@pytest.mark.parametrize("seed", range(3))
def test_maps_have_a_row_for_each_that_looks_and_hidden_positions_are_not_looked_at(name, seed):
    """Modalities differ in length, so that a direction taken for the other one would not fit."""
    subject = Subject(name, seed)
    fused = subject.fusion(subject.inputs, subject.masks)
    lengths = dict(zip(subject.fusion.modalities, lengths_of(subject)))
    masks = dict(zip(subject.fusion.modalities, subject.masks))
    found = attention_maps(subject.fusion, fused, list(lengths.values()))
    assert found
    for (asking, seen), maps in found.items():
        assert maps.shape[::2] == (len(subject.present), lengths[seen])
        assert asking is None or maps.shape[1] in (1, lengths[asking])
        hidden = np.broadcast_to(~masks[seen][:, None], maps.shape)
        assert not maps[hidden].any() and maps[~hidden].any() and (maps.sum(-1) < 1 + 1e-9).all()


@pytest.mark.parametrize("name", LOOKING)
def test_what_everybody_gives_to_all_that_may_be_seen_sums_to_one(name):
    subject = Subject(name, 0)
    found = attention_maps(subject.fusion, subject.fusion(subject.inputs), lengths_of(subject))
    for what in subject.fusion.shows:
        if name.startswith(("PrefixFusion", "PerceiverResampler", "BottleneckFusion")):
            continue                                                     # the rest goes to themselves, and is not shown
        for m in what.asking or (None,):
            asking = None if m is None else subject.fusion.modalities[m]
            total = sum(found[asking, subject.fusion.modalities[n]].sum(-1) for n in what.seen)
            np.testing.assert_allclose(total, 1, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in LOOKING if name.partition("_")[0] in BOTH_WAYS])
def test_co_attention_has_both_directions(name):
    made = FUSIONS[name]
    subject = Subject(name, 0)
    found = attention_maps(made, made.to(np.float64)(subject.inputs), lengths_of(subject))
    first, second = made.modalities[:2]
    assert {(first, second), (second, first)} <= found.keys()


@pytest.mark.parametrize("name", [name for name in GATED if not name.startswith("MissingTokens")])   # which stand in
def test_the_gate_of_what_is_absent_is_zero(name):
    subject = Subject(name, 0)
    gates = gate_values(subject.fusion, subject.fusion(subject.inputs, None, subject.present))
    assert tuple(gates) == tuple(subject.fusion.modalities)
    for m, values in enumerate(gates.values()):
        here = subject.present[:, m]
        assert not values[~here].any() and values[here].any()


@pytest.mark.parametrize("name", SCALING)
def test_scales_follow_the_modality_that_scales_alone(name):
    subject = Subject(name, 0)
    (what,) = subject.fusion.shows
    (title, expected), = gate_values(subject.fusion, subject.fusion(subject.inputs)).items()
    of, by = (subject.fusion.modalities[m] for m in what)
    assert title == f"{of} scaled by {by}"
    for m in range(2):
        inputs = [x + (i == m) for i, x in enumerate(subject.inputs)]
        (found,) = gate_values(subject.fusion, subject.fusion(tuple(inputs))).values()
        assert np.allclose(found, expected) == (m == what.of)


def test_lengths_are_asked_for_where_modalities_lie_end_to_end():
    fusion = tm.fusion.EarlyFusion({"text": 8, "image": 6}, 4, heads=2, rng=np.random.default_rng(0))
    fused = fusion((np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32)))
    assert {pair: maps.shape[1:] for pair, maps in attention_maps(fusion, fused, (3, 5)).items()} == {
        (a, b): ({"text": 3, "image": 5}[a], {"text": 3, "image": 5}[b])
        for a in ("text", "image") for b in ("text", "image")}
    for lengths in (None, (3,), (3, 4)):
        with pytest.raises(ValueError, match=r"attention_maps: EarlyFusion lays .* of the 8 positions .*; got"):
            attention_maps(fusion, fused, lengths)


def test_around_another_fusion_the_weights_are_still_its_own():
    rng = np.random.default_rng(0)
    inner = tm.fusion.GatingFusion({"text": 8, "image": 6}, 4, rng=rng)
    assert tm.fusion.ModalityDropout(inner, 0.5, rng=rng).shows == inner.shows
    assert tm.fusion.AtEachPosition(inner).shows == inner.shows


def test_a_fusion_with_nothing_to_show_has_no_maps_and_no_gates():
    fusion = tm.fusion.ConcatenationFusion({"text": 8, "image": 6}, 4, rng=np.random.default_rng(0))
    fused = fusion((np.ones((2, 8), np.float32), np.ones((2, 6), np.float32)))
    assert attention_maps(fusion, fused) == {} and gate_values(fusion, fused) == {}
