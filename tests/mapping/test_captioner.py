"""The captioner: no leak from the caption it learns to say, loss by hand, next_word equal to the whole forward."""

import numpy as np
import pytest

import tinymm as tm
from tinymm.data import pad_batch
from tinymm.encoders import CausalLSTM, CausalTransformer, ConvEncoder
from tinymm.fusion import AttentionFusion
from tinymm.mapping import Captioner, caption_loss, hide_words, next_word


@pytest.fixture(params=[CausalLSTM, CausalTransformer])
def captioner(request, rng):
    image = ConvEncoder(((4,), (8,)), 8, glance=2, rng=rng)
    options = {"heads": 2} if request.param is CausalTransformer else {}
    text = request.param(9, 8, context=image.pooled_width, rng=rng, **options)
    return Captioner(image, text, AttentionFusion({"text": 8, "image": 8}, 10, 2, rng=rng), 9, rng=rng).to(np.float64)


@pytest.fixture
def batch(rng):
    ids, mask = pad_batch([[1, 4, 5, 2], [1, 6, 7, 8, 4, 2], [1, 2]])
    return rng.random((3, 3, 8, 8)), ids, mask


def test_later_words_never_reach_earlier_logits(captioner, batch):
    images, ids, _ = batch
    captioner.eval()
    for t in range(1, ids.shape[1]):
        changed = ids.copy()
        changed[:, t:] = (changed[:, t:] + 3) % 9
        before, after = captioner(images, ids)[0].data, captioner(images, changed)[0].data
        np.testing.assert_array_equal(before[:, :t], after[:, :t])


def test_the_loss_is_the_mean_negative_log_likelihood_of_the_words_that_are_no_padding(captioner, batch):
    images, ids, mask = batch
    captioner.eval()
    logits = captioner(images, ids[:, :-1])[0].data
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    terms = [-np.log(p[b, t - 1, ids[b, t]]) for b in range(3) for t in range(1, ids.shape[1]) if mask[b, t]]
    assert caption_loss(captioner, images, ids, mask).item() == pytest.approx(np.mean(terms), rel=1e-10)


def test_padding_never_reaches_the_loss(captioner, batch):
    images, ids, mask = batch
    captioner.eval()
    changed = np.where(mask, ids, 7)
    assert caption_loss(captioner, images, ids, mask).item() == caption_loss(captioner, images, changed, mask).item()


def test_every_parameter_is_trained(captioner, batch):
    caption_loss(captioner, *batch).backward()
    for name, parameter in captioner.named_parameters():
        assert parameter.grad is not None and np.abs(parameter.grad).max() > 0, name


def test_loss_gradient_along_random_directions(captioner, batch, rng):
    parameters = list(captioner.parameters())
    start = [p.data.copy() for p in parameters]
    captioner.eval()  # batch statistics off: the loss is then a smooth function of each parameter
    caption_loss(captioner, *batch).backward()
    direction = [rng.standard_normal(p.shape) for p in parameters]
    slope = sum(float((p.grad * d).sum()) for p, d in zip(parameters, direction))

    def value(step):
        for p, s, d in zip(parameters, start, direction):
            p.data[...] = s + step * d
        return caption_loss(captioner, *batch).item()

    numeric = (8 * (value(1e-5) - value(-1e-5)) - (value(2e-5) - value(-2e-5))) / 12e-5
    assert slope == pytest.approx(numeric, rel=1e-5)


def test_next_word_is_the_forward_of_the_prefix(captioner, batch):
    images, ids, _ = batch
    with pytest.raises(ValueError, match="eval mode"):
        next_word(captioner.train(), images)
    captioner.eval()
    step = next_word(captioner, images)
    examples, state = np.array([2, 0, 0]), None
    for t in range(3):
        log_p, state = step(ids[examples, t], np.arange(3) if state else examples, state)
        logits = captioner(images[examples], ids[examples, :t + 1])[0].data[:, -1]
        np.testing.assert_allclose(log_p, logits - np.log(np.exp(logits).sum(-1, keepdims=True)), atol=1e-12)
    assert state.text.length == 3


@pytest.mark.parametrize("keeps_keys", [True, False])
def test_a_step_that_fails_leaves_the_state_as_it_was(captioner, batch, keeps_keys, monkeypatch):
    """The reader has moved on when the fusion fails; the step can be made again."""
    images, ids, _ = batch
    captioner.eval()
    if not keeps_keys:
        monkeypatch.delattr(AttentionFusion, "new_cache")
    image = captioner.image_encoder(images)

    def logits(fails_at=None):
        state, found = captioner.new_state(image), []
        for t in range(3):
            if t == fails_at:
                with monkeypatch.context() as patch:
                    patch.setattr(captioner.words, "forward", lambda x: 1 / 0)
                    with pytest.raises(ZeroDivisionError):
                        captioner.read_on(ids[:, t:t + 1], state)
            found.append(captioner.read_on(ids[:, t:t + 1], state).data)
        return found

    for t in range(3):
        np.testing.assert_array_equal(logits(fails_at=t), logits())


def test_several_words_at_once_are_read_as_one_after_the_other(captioner, batch):
    """Logits of the new words alone, with a cache of the fusion and without."""
    images, ids, _ = batch
    captioner.eval()
    whole = captioner(images, ids)[0].data
    for cached in (True, False):
        state = captioner.new_state(captioner.image_encoder(images))
        state.cache = state.cache if cached else None
        for start, stop in ((0, 2), (2, 3), (3, 6)):
            np.testing.assert_allclose(captioner.read_on(ids[:, start:stop], state).data, whole[:, start:stop],
                                       atol=1e-12)


def test_several_captions_of_an_image_are_as_many_copies_of_the_image(captioner, batch, rng):
    images, ids, mask = batch
    captioner.eval()
    once = caption_loss(captioner, images[:1], ids, mask)
    copies = caption_loss(captioner, np.repeat(images[:1], 3, 0), ids, mask)
    assert once.item() == pytest.approx(copies.item(), rel=1e-12)
    captioner.zero_grad()
    once.backward()
    found = {name: p.grad.copy() for name, p in captioner.named_parameters()}
    captioner.zero_grad()
    copies.backward()
    for name, parameter in captioner.named_parameters():
        np.testing.assert_allclose(found[name], parameter.grad, atol=1e-12, err_msg=name)


def test_hidden_words_change_what_is_shown_and_never_what_must_be_said(captioner, batch):
    images, ids, mask = batch
    captioner.eval()
    shown = np.where(mask & (ids > 3), 3, ids)
    logits = captioner(images, shown[:, :-1])[0].data
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    terms = [-np.log(p[b, t - 1, ids[b, t]]) for b in range(3) for t in range(1, ids.shape[1]) if mask[b, t]]
    assert caption_loss(captioner, images, ids, mask, shown).item() == pytest.approx(np.mean(terms), rel=1e-10)


def test_words_are_hidden_at_the_share_asked_for_and_bos_never():
    ids = np.full((200, 50), 7)
    ids[:, 0] = 1
    hidden = hide_words(ids, 0.3, 3, np.random.default_rng(0))
    assert (hidden[:, 0] == 1).all()
    assert (hidden[:, 1:] == 3).mean() == pytest.approx(0.3, abs=5 * (0.21 / 9800)**0.5)  # five standard errors
    np.testing.assert_array_equal(hide_words(ids, 0.0, 3, np.random.default_rng(0)), ids)


def test_what_does_not_fit_is_refused_by_name(captioner, batch, rng):
    images, ids, _ = batch
    with pytest.raises(ValueError, match="Captioner: captions must be as many as images, or K for each; "
                                         "got 3 for 2 images"):
        captioner(images[:2], ids)

    class Bidirectional(AttentionFusion):
        causal = False

    with pytest.raises(ValueError, match="Captioner: the fusion must be causal, .*; got Bidirectional"):
        fusion = Bidirectional({"text": 8, "image": 8}, 10, rng=rng)
        Captioner(captioner.image_encoder, captioner.text_encoder, fusion, 9, rng=rng)
