"""Words shown in training that are the model's own: how many, which, and that nothing else changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

import tinymm as tm
import tinymm.functional as F
from tinymm.encoders import CausalLSTM, CausalTransformer, ConvEncoder
from tinymm.fusion import AttentionFusion
from tinymm.mapping import (
    Captioner,
    caption_loss,
    inverse_sigmoid_decay,
    linear_decay,
    scheduled_words,
    scheduled_words_at_once,
)

V, IDS = 5, np.array([[1, 3, 4, 3, 2]])
FORMS = [scheduled_words, scheduled_words_at_once]
READERS = {"lstm": lambda rng: CausalLSTM(V, 6, embedding=4, context=4, dropout=0.2, rng=rng),
           "transformer": lambda rng: CausalTransformer(V, 6, heads=2, context=4, dropout=0.2, rng=rng)}
every_form = pytest.mark.parametrize("form", FORMS)
every_reader = pytest.mark.parametrize("reader", READERS)


def captioner_of(reader, seed=0):
    rng = np.random.default_rng(seed)
    captioner = Captioner(ConvEncoder(((4,),), 4, glance=1, rng=rng), READERS[reader](rng),
                          AttentionFusion({"text": 6, "image": 4}, 6, rng=rng), V, dropout=0.2, rng=rng)
    for parameter in captioner.parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape)
    return captioner, rng.standard_normal((1, 3, 4, 4)).astype(np.float32)


def next_p(captioner, images, prefix):
    """p of the next word, in eval mode."""
    captioner.eval()
    with tm.no_grad():
        logits, _ = captioner(images, np.array([prefix]))
    captioner.train()
    return np.exp(F.log_softmax(logits.data[0, -1].astype(float), -1))


@every_form
@every_reader
def test_own_words_have_the_probabilities_of_the_model(form, reader):
    """The first own word after <bos>; the second after the first one, own or true, as the form says."""
    n = 6_000
    captioner, images = captioner_of(reader)
    shown = form(captioner, images, np.repeat(IDS, n, 0), 0.0, np.random.default_rng(0))
    assert (shown[:, [0, -1]] == IDS[:, [0, -1]]).all()
    first = next_p(captioner, images, [1])
    after_own = sum(first[w] * next_p(captioner, images, [1, w]) for w in range(V))
    second = after_own if form is scheduled_words else next_p(captioner, images, [1, 3])
    assert np.abs(after_own - next_p(captioner, images, [1, 3])).max() > 0.02          # the forms can be told apart
    for t, p in ((1, first), (2, second)):
        assert chisquare(np.bincount(shown[:, t], minlength=V), n * p / p.sum()).pvalue > 1e-3


@every_form
@pytest.mark.parametrize("epsilon", [0.2, 0.75])
def test_so_many_words_are_own(form, epsilon):
    """Where true words cannot be drawn, what is not true is own: independently at each place."""
    n = 5_000
    captioner, images = captioner_of("lstm")
    captioner.words.bias.data[[3, 4]] = -1e4
    shown = form(captioner, images, np.repeat(IDS, n, 0), epsilon, np.random.default_rng(0))
    own = (shown != IDS)[:, 1:-1]
    np.testing.assert_array_less(np.abs(own.mean(0) - (1 - epsilon)), 5 * np.sqrt(epsilon * (1 - epsilon) / n))
    together = (own[:, 0] & own[:, 1]).mean()
    assert abs(together - (1 - epsilon)**2) < 5 * np.sqrt(0.25 / n)


@every_form
@every_reader
def test_with_epsilon_1_it_is_teacher_forcing_bit_for_bit(form, reader):
    losses = []
    for scheduled in (True, False):
        captioner, images = captioner_of(reader)
        rng, mask = np.random.default_rng(3), np.ones(IDS.shape, bool)
        shown = form(captioner, images, IDS, 1.0, rng) if scheduled else None
        loss = caption_loss(captioner, images, IDS, mask, shown)
        gradients = tm.grad(loss, captioner.parameters())
        losses.append((loss.item(), rng.random(), [g.data.tolist() for g in gradients]))
    assert losses[0] == losses[1]                                        # its Generators stand where they stood


@every_form
@every_reader
def test_the_choice_of_words_has_no_gradient_and_leaves_no_trace(form, reader):
    """The gradient is that of the same shown words, had anyone else chosen them; and every layer keeps its mode."""
    captioner, images = captioner_of(reader)
    captioner.image_encoder.eval()
    modes = [layer.training for layer in captioner.modules()]
    before = {name: a.copy() for name, a in captioner.state_dict().items()}
    shown = form(captioner, images, IDS, 0.0, np.random.default_rng(0))
    assert shown.dtype == IDS.dtype and not isinstance(shown, tm.Tensor)
    assert [layer.training for layer in captioner.modules()] == modes
    for name, a in captioner.state_dict().items():
        np.testing.assert_array_equal(a, before[name])
    captioner.eval()
    mask = np.ones(IDS.shape, bool)
    again = [caption_loss(captioner, images, IDS, mask, words) for words in (shown, shown.copy())]
    for a, b in zip(*(tm.grad(loss, captioner.parameters()) for loss in again)):
        np.testing.assert_array_equal(a.data, b.data)


@every_form
def test_several_captions_of_an_image_keep_it(form):
    """Of two images, K captions each in turn: the words of an image's captions are those it has alone."""
    captioner, _ = captioner_of("lstm")
    captioner.words.weight.data *= 50                                    # as good as certain
    images = np.random.default_rng(5).standard_normal((2, 3, 4, 4)).astype(np.float32) * 3
    ids = np.repeat(IDS, 4, 0)
    together = form(captioner, images, ids, 0.0, np.random.default_rng(0))
    alone = [form(captioner, images[i:i + 1], ids[:2], 0.0, np.random.default_rng(0)) for i in range(2)]
    np.testing.assert_array_equal(together, np.concatenate(alone))


@given(st.integers(0, 100_000), st.integers(1, 5_000), st.floats(0, 1))
def test_schedules_fall_from_1_to_their_ends(step, k, end):
    assert linear_decay(0, k, end) == 1 and linear_decay(2 * k, k, end) == pytest.approx(end)
    assert linear_decay(step, k, end) == pytest.approx(max(end, 1 - (1 - end) * step / k))
    assert 0 <= inverse_sigmoid_decay(step + 1, k) <= inverse_sigmoid_decay(step, k) <= 1
    if step / k < 500:
        assert inverse_sigmoid_decay(step, k) == pytest.approx(k / (k + np.exp(step / k)), rel=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_wrong_settings_are_named(form):
    captioner, images = captioner_of("lstm")
    for epsilon in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=rf"{form.__name__}: epsilon must lie in \[0, 1\]; got {epsilon}"):
            form(captioner, images, IDS, epsilon, np.random.default_rng(0))
    with pytest.raises(ValueError, match="inverse_sigmoid_decay: k must be at least 1; got 0"):
        inverse_sigmoid_decay(1, 0)
