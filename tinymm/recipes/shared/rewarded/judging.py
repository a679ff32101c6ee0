"""What a captioner says of some images, and how good it is by several measures, one of which it was trained on."""

from typing import NamedTuple

import numpy as np

from .... import functional as F
from ....data import judge, pad_batch
from ....data.texts.tokenizer import BOS, EOS
from ....mapping import DrawnCaptions, draw_captions, greedy_captions
from ....metrics import caption_tokens, cider_d
from ..prediction import over_batches

__all__ = ["Judged", "endings_of", "judged", "say_greedily"]

BATCH = 100


class Judged(NamedTuple):
    """A captioner on the images of a part.

    Attributes
    ----------
    captions : list of N str
        The greedy ones.
    reward : str
        What the reward is called.
    each : dict of str to array (N,)
        Of these captions: `cider_d`, the metric; the reward by its name; whether `closed`; `bad_endings`, those that
        end in a word in which no training caption ends, or in none; `words`; of known scenes, `truth`.
    drawn : dict of str to array (N,)
        The reward of one drawn caption of each image, whether it is closed, whether it ends badly, and for how many
        nats it diverges from the start, if there was one.
    nll : array (N,)
        Nats per word of each image's first true caption, closing word included.
    """

    captions: list
    reward: str
    each: dict
    drawn: dict
    nll: np.ndarray


def endings_of(captions):
    """The last words of captions, list of groups: set of str."""
    return {tokens[-1] for group in captions for tokens in map(caption_tokens, group) if tokens}


def say_greedily(captioner, tokens, images, longest):
    """The greedy caption of each image (N, 3, H, W): list of str, and whether each was closed, bool (N,)."""
    captions = _in_batches(captioner, len(images), lambda rows: greedy_captions(captioner, images[rows], BOS, EOS,
                                                                                longest))
    return [tokens.decode(words) for words in captions.said], captions.closed


def judged(captioner, tokens, part, reward, endings, longest, rng, start=None):
    """Judge a captioner on a part.

    Parameters
    ----------
    captioner : Captioner
    tokens : WordTokenizer
    part : Captioned
    reward : callable
        Of this part's images.
    endings : set of str
        The words in which true captions end.
    longest : int
    rng : numpy.random.Generator
        Draws the captions of `drawn`.
    start : Captioner, optional
        What it was before.

    Returns
    -------
    Judged
    """
    images, rows = part.all_images(), np.arange(len(part))
    captions, closed = say_greedily(captioner, tokens, images, longest)
    each = {"cider_d": cider_d(_tokens(captions), [_tokens(group) for group in part.captions])[1],
            reward.name: reward(captions, closed, rows), **_form(captions, closed, endings)}
    if part.scenes is not None:
        verdicts = [judge(*pair) for pair in zip(captions, part.scenes)]
        each["truth"] = np.array([verdict.true and verdict.complete for verdict in verdicts], float)
    some = _in_batches(captioner, len(images), lambda rows: draw_captions(captioner, images[rows], 1, BOS, EOS, longest,
                                                                          rng), one_core=True)
    texts = [tokens.decode(words) for words in some.said]
    drawn = {reward.name: reward(texts, some.closed, rows), **_form(texts, some.closed, endings)}
    if start is not None:
        drawn["divergence"] = _divergence(captioner, start, images, some)
    nll = _likelihood(captioner, tokens, images, [group[0] for group in part.captions])
    return Judged(captions, reward.name, each, drawn, nll)


def _tokens(captions):
    return [caption_tokens(caption) for caption in captions]


def _form(captions, closed, endings):
    tokens = _tokens(captions)
    return {"closed": closed, "bad_endings": np.array([not t or t[-1] not in endings for t in tokens]) | ~closed,
            "words": np.array([len(t) for t in tokens], float)}


def _in_batches(captioner, n, draw, one_core=False):
    """`DrawnCaptions` of n images, of `draw(rows)` for some of them at a time."""
    def answer(rows):
        found = draw(rows)
        return zip(found.said, found.closed)

    said, closed = zip(*over_batches(captioner, n, BATCH, answer, one_core=one_core))
    return DrawnCaptions.of([*said], np.array(closed), BOS, EOS)


def _likelihood(captioner, tokens, images, captions):
    """−ln p of each caption of an image, per word: (N,)."""
    ids, mask = pad_batch([tokens.encode(caption) for caption in captions])

    def answer(rows):
        words, counts = ids[rows, 1:, None], mask[rows, 1:]
        log_p = F.log_softmax(captioner(images[rows], ids[rows, :-1])[0].data, -1)
        said = np.take_along_axis(log_p, words, -1)[..., 0]                     # (n, T)
        return -np.where(counts, said, 0.0).sum(1) / counts.sum(1)

    return np.array(over_batches(captioner, len(images), BATCH, answer))


def _divergence(captioner, start, images, drawn):
    r"""$\sum_t \mathrm{KL}(\pi(\cdot \mid w_{<t}) \,\|\, \pi_0(\cdot \mid w_{<t}))$ of each drawn caption: (N,)."""
    def answer(rows):
        ids, mask = drawn.ids[rows, :-1], drawn.mask[rows]
        log_p, start_log_p = (F.log_softmax(model(images[rows], ids)[0].data, -1) for model in (captioner, start))
        kl = np.sum(np.exp(log_p) * (log_p - start_log_p), -1)                  # (n, T)
        return np.where(mask, kl, 0.0).sum(1)

    return np.array(over_batches(captioner, len(images), BATCH, answer))
