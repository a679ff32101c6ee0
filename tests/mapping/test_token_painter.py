"""Words, then codes: nothing later reaches anything earlier; decoding with caches is decoding without."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.mapping import PictureCodec, TokenPainter, greedy, next_code, paint_tokens, sample, token_loss
from tinymm.testing import check_directional

SEEDS = st.integers(0, 2**32 - 1)
V, T, K, N = 9, 5, 6, 4
IDS = np.array([[1, 4, 5, 2], [1, 6, 2, 0]])
CODES = np.array([[0, 5, 3, 3], [2, 1, 0, 4]])


def painter_of(seed, dtype=np.float64, std=0.4):
    rng = np.random.default_rng(seed)
    painter = TokenPainter(V, T, PictureCodec(8, K, (8, 8), 4, rng=rng), width=8, layers=2, heads=2, rng=rng)
    for p in painter.parameters():
        p.data[...] = rng.normal(0, std, p.shape)
    painter.codec.book.codes[...] = rng.standard_normal((K, 4))
    return painter.to(dtype).eval()


def test_every_place_of_a_text_has_padding_of_its_own():
    painter = painter_of(0)
    np.testing.assert_array_equal(painter.padded(IDS), [[1, 4, 5, 2, V + 4], [1, 6, 2, V + 3, V + 4]])
    np.testing.assert_array_equal(painter.padded(IDS, np.array([False, True]))[1], V + np.arange(T))
    with pytest.raises(ValueError, match="TokenPainter: a text must have at most 5 words; got 6"):
        painter.padded(np.ones((1, 6), int))


def test_shapes_and_which_position_predicts_what():
    """Words predict words only, codes are predicted by codes and by the last position of the text."""
    painter = painter_of(1)
    text, image = painter(IDS, CODES)
    assert text.shape == (2, T - 1, V + T) and image.shape == (2, N, K)
    first = painter(IDS, CODES[:, :1])[1]                                # from the text alone
    np.testing.assert_allclose(image.data[:, :1], first.data, rtol=1e-10)


def test_what_comes_later_has_no_influence_and_gets_no_gradient():
    painter = painter_of(2)
    ids = painter.padded(IDS)
    x = tm.tensor(F.concatenate([painter.word_vectors(ids), painter.code_vectors(CODES[:, :-1])], 1).data,
                  requires_grad=True)                                    # (B, T + N − 1, D)
    h = painter.layers(painter.positions(x), is_causal=True)
    for t in range(h.shape[1]):
        x.grad = None
        h[:, t].backward(np.random.default_rng(t).standard_normal(h[:, t].shape), retain_graph=True)
        assert (x.grad[:, t + 1:] == 0).all() and (x.grad[:, :t + 1] != 0).any((0, 2)).all()
    changed = CODES.copy()
    changed[:, 2:] = (changed[:, 2:] + 1) % K
    before, after = (painter(IDS, codes) for codes in (CODES, changed))
    np.testing.assert_array_equal(before[0].data, after[0].data)
    np.testing.assert_array_equal(before[1].data[:, :3], after[1].data[:, :3])
    assert (before[1].data[:, 3] != after[1].data[:, 3]).any()


def test_the_loss_by_hand():
    painter = painter_of(3)
    loss, numbers = token_loss(painter, IDS, CODES, 0.0, np.random.default_rng(0))
    text, image = (F.log_softmax(logits, -1).data for logits in painter(IDS, CODES))
    words = painter.padded(IDS)
    of_text = -np.mean([text[b, j, words[b, j + 1]] for b in range(2) for j in range(T - 1)])
    of_image = -np.mean([image[b, n, CODES[b, n]] for b in range(2) for n in range(N)])
    assert numbers["text"].item() == pytest.approx(of_text) and numbers["image"].item() == pytest.approx(of_image)
    assert loss.item() == pytest.approx((of_text + 7 * of_image) / 8)
    alone = token_loss(painter, IDS, CODES, 1.0, np.random.default_rng(0))[0].item()
    other = token_loss(painter, (IDS + 1) % V, CODES, 1.0, np.random.default_rng(0))[0].item()
    assert alone == other != loss.item()                                 # all texts dropped


def test_gradients():
    painter = painter_of(4)

    def forward():
        loss, _ = token_loss(painter, IDS, CODES, 0.0, np.random.default_rng(0))
        return loss

    forward().backward()
    own = {name: p for name, p in painter.named_parameters() if not name.startswith("codec.")}
    assert all(p.grad is not None and np.abs(p.grad).max() > 0 for p in own.values())
    assert all(p.grad is None for p in painter.codec.parameters())       # the codec stays as it is

    class Words(tm.nn.Module):
        def __init__(self):
            self.layers, self.next_code = painter.layers, painter.next_code

        def forward(self, x):
            return self.next_code(self.layers(x, is_causal=True))

    assert check_directional(Words(), [np.random.default_rng(5).standard_normal((2, 5, 8))])


@given(SEEDS, st.sampled_from([1.0, 0.0, 2.5]), st.sampled_from([np.float32, np.float64]))
@settings(max_examples=12, deadline=None)
def test_with_caches_as_without(seed, guidance, dtype):
    """At every step, whichever rows go on; in float32 as far as rounding lets it."""
    painter, rng = painter_of(seed, dtype, 0.3), np.random.default_rng(seed)
    step, none = next_code(painter, IDS, guidance), np.ones(2, bool)
    rows, codes, state = np.array([1, 0, 1]), np.zeros((3, 0), int), None
    texts, words, call = IDS[rows], np.zeros(3, int), rows
    for n in range(N):
        log_p, state = step(words, call, state)
        padded = np.concatenate([codes, np.zeros((len(codes), 1), int)], 1)          # the last is not looked at
        c, u = (painter(texts, padded, dropped)[1].data[:, n] for dropped in (None, none[:1].repeat(len(texts))))
        expected = F.log_softmax(u + guidance * (c - u) if guidance != 1 else c, -1)
        tolerance = dict(rtol=1e-10, atol=1e-10) if dtype == np.float64 else dict(rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(log_p, expected, **tolerance)
        call = rng.integers(len(texts), size=3)                          # some go on twice
        words, texts = rng.integers(K, size=3), texts[call]
        codes = np.concatenate([codes[call], words[:, None]], 1)


def test_guidance_one_asks_for_no_other_and_zero_forgets_the_text():
    painter = painter_of(6)
    assert len(next_code(painter, IDS, 1.0)(np.zeros(2, int), np.arange(2), None)[1]) == 1
    (a, b), _ = next_code(painter, IDS, 0.0)(np.zeros(2, int), np.arange(2), None)
    np.testing.assert_allclose(a, b, rtol=1e-12)
    with pytest.raises(ValueError, match="next_code: the painter must be in eval mode"):
        next_code(painter.train(), IDS)


def test_a_picture_is_the_decoded_codes():
    painter = painter_of(7, np.float32)
    images, codes = paint_tokens(painter, IDS, greedy)
    assert images.shape == (2, 3, 8, 8) and codes.shape == (2, N) and 0 <= images.min() and images.max() <= 1
    expected = painter.codec.decode(painter.codec.book.codes[codes])
    np.testing.assert_array_equal(images, painter.codec.scale.to_images(expected.data))
    draws = [paint_tokens(painter, IDS, partial(sample, rng=np.random.default_rng(seed)))[1] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()
