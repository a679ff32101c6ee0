"""The exclusive or of two hidden tokens: every fusion of sequences learns it, and what is left without its exchange.

A text and an image are four tokens each. At a random place of each hides a bit; the other tokens mean nothing. The
label is whether the two bits differ. Fillers and places, the *context*, are drawn apart from the bits, so that in each
context all four pairs of bits are as likely. `EXAMPLES` has every context with all four, so two ceilings are exact:

1/2 for one modality alone. Given the text and the context, the answer is the same for both bits of the image, and the
label is not: one of the two answers is right.

3/4 for both without exchange. Then every stream of features is computed from one modality. `Model` bends the features
of each position by themselves, takes means, and adds up, so the score of "they differ" is f(text) + h(image). In a
context,

    (f(0) + h(0)) + (f(1) + h(1))  =  (f(0) + h(1)) + (f(1) + h(0)).

To be right on all four pairs, the scores on the left must not be positive and those on the right must be: their sums
would not be equal. So one of four is wrong, whatever has been learned.
"""

import numpy as np
import pytest
from hypothesis import settings

import tinymm as tm
import tinymm.functional as F
from tinymm import fusion, nn
from tinymm.encoders.over_time import mean_over_time

from .cases import CASES, streams
from .test_contract import SEQUENCES

WIDTHS = {"text": 6, "image": 5}
LENGTH, TOKENS = 4, 5                                                    # tokens 0 and 1 are the bits
PAIRS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
ALONE, APART = 1 / 2, 3 / 4                                              # the ceilings
STEPS, STEPS_OF_CONTROLS = 400, 200                                      # most fusions need fewer than 100
D = 16

# name, that of a row in cases.py -> a small fusion
WITH_EXCHANGE = {
    "AttentionFusion": lambda rng: fusion.AttentionFusion(WIDTHS, D, 2, rng=rng),
    "HardAttentionFusion": lambda rng: fusion.HardAttentionFusion(WIDTHS, D, rng=rng),
    "GumbelAttentionFusion": lambda rng: fusion.GumbelAttentionFusion(WIDTHS, D, rng=rng),
    "EarlyFusion": lambda rng: fusion.EarlyFusion(WIDTHS, D, 1, 2, D, rng=rng),
    "PrefixFusion": lambda rng: fusion.PrefixFusion(WIDTHS, D, 1, 2, D, rng=rng),
    "JoinedChannels": lambda rng: fusion.JoinedChannels(WIDTHS, D, rng=rng),
    "IntermediateFusion": lambda rng: fusion.IntermediateFusion(WIDTHS, D, 1, (1,), 2, D, rng=rng),
    "ParallelCoAttention": lambda rng: fusion.ParallelCoAttention(WIDTHS, D, rng=rng),
    "AlternatingCoAttention": lambda rng: fusion.AlternatingCoAttention(WIDTHS, D, rng=rng),
    "CoAttentionBlock": lambda rng: fusion.CoAttentionBlock(WIDTHS, D, 2, (D, D), rng=rng),
    "CausalCoAttention": lambda rng: fusion.CausalCoAttention(WIDTHS, D, 2, rng=rng),
    "GlimpseFusion": lambda rng: fusion.GlimpseFusion(WIDTHS, D, 2, D, rng=rng),
    "MulTFusion": lambda rng: fusion.MulTFusion(WIDTHS, D, 2, 1, rng=rng),
    "BottleneckFusion": lambda rng: fusion.BottleneckFusion(WIDTHS, D, 2, 0, bottlenecks=2, heads=2, rng=rng),
    "GatedCrossAttention": lambda rng: fusion.GatedCrossAttention(WIDTHS, D, 2, D, rng=rng),
    "PerceiverResampler": lambda rng: fusion.PerceiverResampler(WIDTHS, D, 2, 1, 2, D, rng=rng),
    "QueryingTransformer": lambda rng: fusion.QueryingTransformer(WIDTHS, D, 2, 1, 2, rng=rng),
    "QueryingTransformer_generation": lambda rng: fusion.QueryingTransformer(WIDTHS, D, 2, 2, 2, "generation", rng=rng),
    "AtEachPosition": lambda rng: fusion.AtEachPosition(fusion.ConcatenationFusion(WIDTHS, D, rng=rng)),
    "MissingTokens_sequences": lambda rng: fusion.MissingTokens(fusion.AttentionFusion(WIDTHS, D, rng=rng), rng=rng),
    "ModalityDropout_sequences": lambda rng: fusion.ModalityDropout(fusion.AttentionFusion(WIDTHS, D, rng=rng), 0.2,
                                                                    rng=rng),
}
# those that can be built without exchange: each stream stays with one modality
WITHOUT_EXCHANGE = {
    "IntermediateFusion_none": lambda rng: fusion.IntermediateFusion(WIDTHS, D, 1, (), 2, D, rng=rng),
    "QueryingTransformer_contrast": lambda rng: fusion.QueryingTransformer(WIDTHS, D, 2, 1, 2, "contrast", rng=rng),
}
# A control trains to its last step, which is slow. The default run has one for each kind of features: those of the
# first input, of aligned inputs, of joined inputs, vectors; streams are above. The thorough profile has all.
FEW = ["AttentionFusion", "JoinedChannels", "EarlyFusion", "ParallelCoAttention"]
THOROUGH = settings.get_profile(settings.get_current_profile_name()).max_examples >= 1000


def contexts(n, rng, aligned):
    """Fillers (n, 2, L), and the places (n, 2) of the bits: the same in both sequences where these are aligned."""
    places = rng.integers(0, LENGTH, (n, 1 if aligned else 2))
    return rng.integers(2, TOKENS, (n, 2, LENGTH)), np.broadcast_to(places, (n, 2))


def hidden(bits, fillers, places):
    """The two sequences, token k as twice the k-th unit vector, with the bits (n, 2) in their places; the labels."""
    ids = fillers.copy()
    np.put_along_axis(ids, places[..., None], bits[..., None], -1)
    inputs = tuple(2 * np.eye(TOKENS, width, dtype=np.float32)[ids[:, m]] for m, width in enumerate(WIDTHS.values()))
    return inputs, bits[:, 0] ^ bits[:, 1]


def only(m, n):
    """`present` (n, 2) where all examples have modality m alone."""
    return np.tile(np.arange(2) == m, (n, 1))


class Model(nn.Module):
    """A fusion, a ReLU layer at each position of each stream, their means side by side, a linear layer.

    With `apart` the exchange is taken out: the fusion is called for each modality while the other is absent, and the
    streams of both calls stand side by side.
    """

    def __init__(self, f, apart, rng):
        widths = streams(f.width) * (2 if apart else 1)
        self.fusion, self.apart = f, apart
        self.layers = nn.ModuleList(nn.Linear(width, D, rng=rng) for width in widths)
        self.scores = nn.Linear(D * len(widths), 2, rng=rng)

    def forward(self, inputs, present=None):
        """Logits (B, 2), and a `Fused` for each call of the fusion."""
        n = len(inputs[0])
        calls = [self.fusion(inputs, None, here) for here in ([only(0, n), only(1, n)] if self.apart else [present])]
        parts = [part for fused in calls for part in as_parts(fused)]
        vectors = [as_vector(F.relu(layer(x)), mask) for layer, (x, mask) in zip(self.layers, parts, strict=True)]
        return self.scores(F.concatenate(vectors, -1)), calls


def as_parts(fused):
    """Of each stream of a `Fused`, its features and their mask."""
    features = streams(fused.features)
    return zip(features, fused.mask if isinstance(fused.mask, tuple) else (fused.mask,) * len(features))


def as_vector(x, mask):
    return mean_over_time(x, mask) if x.ndim == 3 else x


def learned(name, make, steps, apart=False):
    """How often the model is right on `EXAMPLES` after its training: a function of `present`."""
    rng, aligned = np.random.default_rng(0), CASES[name].positions == "aligned"
    model = Model(make(rng), apart, rng)
    optimizer = tm.optim.AdamW(model.parameters(), lr=0.003)
    for _ in range(steps):
        inputs, labels = hidden(rng.integers(0, 2, (64, 2)), *contexts(64, rng, aligned))
        logits, calls = model(inputs)
        loss = F.cross_entropy(logits, labels)
        if loss.data < 0.02:
            break                                                        # it has been learned
        optimizer.zero_grad()
        (loss + sum(look_loss(fused.weights, logits, labels) for fused in calls)).backward()
        optimizer.step()
    model.eval()
    inputs, labels = EXAMPLES[aligned]
    return lambda present=None: (model(inputs, present)[0].data.argmax(-1) == labels).mean()


def look_loss(weights, logits, labels):
    """Of hard attention, whose draws have no gradient; 0 of all others."""
    if not isinstance(weights, fusion.Look):
        return 0.0
    reward = F.log_softmax(logits.data, -1)[np.arange(len(labels)), labels]
    return fusion.look_loss(weights, np.broadcast_to(reward[:, None], weights.expected.shape))


def every_pair(n, rng, aligned):
    """n contexts, each with all four pairs of bits."""
    fillers, places = contexts(n, rng, aligned)
    return hidden(np.tile(PAIRS, (n, 1)), fillers.repeat(4, 0), places.repeat(4, 0))


EXAMPLES = {aligned: every_pair(200, np.random.default_rng(1), aligned) for aligned in (False, True)}


def test_every_fusion_of_sequences_has_a_row():
    """Here and in cases.py, where a new public fusion without one fails."""
    assert {name.partition("_")[0] for name in WITH_EXCHANGE} == {name.partition("_")[0] for name in SEQUENCES}
    assert {*WITH_EXCHANGE, *WITHOUT_EXCHANGE, *FEW} <= set(SEQUENCES)


@pytest.mark.parametrize("name", WITH_EXCHANGE)
def test_every_fusion_of_sequences_learns_it_and_needs_both(name):
    right = learned(name, WITH_EXCHANGE[name], STEPS)
    assert right() >= 0.98
    for m in range(2):
        assert right(only(m, len(EXAMPLES[False][1]))) == ALONE


@pytest.mark.parametrize("name", WITH_EXCHANGE if THOROUGH else FEW)
def test_a_fusion_to_which_each_modality_is_shown_alone_stays_below_the_ceiling(name):
    assert learned(name, WITH_EXCHANGE[name], STEPS_OF_CONTROLS, apart=True)() <= APART


@pytest.mark.parametrize("name", WITHOUT_EXCHANGE)
def test_a_fusion_built_without_exchange_stays_below_the_ceiling(name):
    assert learned(name, WITHOUT_EXCHANGE[name], STEPS_OF_CONTROLS)() <= APART


def test_joined_channels_are_a_sum_until_something_bends_them(rng):
    """They are linear, so without the ReLU of `Model` they would be under the ceiling too."""
    z = WITH_EXCHANGE["JoinedChannels"](rng)(EXAMPLES[True][0]).features.data
    equal_0, text, image, equal_1 = (z[i::4] for i in range(4))          # in the order of PAIRS
    np.testing.assert_allclose(equal_0 + equal_1, text + image, rtol=1e-5, atol=1e-6)
