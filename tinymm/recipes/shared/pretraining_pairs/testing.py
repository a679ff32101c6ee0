"""What is asked of a model of texts and regions on pictures that it never learned from, and what it has to beat."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ....data import ShapesWorld, caption_foils, colour_ceiling
from ..baselines import logistic_regression
from ..results import OURS, Results, Scores
from .asking import HiddenWords, colours_hidden, match_probabilities, region_answers, word_answers, words_hidden
from .pairs import mismatched_caption
from .region_classifier import Regions

__all__ = ["Questioned", "divergences", "foil_metrics", "results_of", "text_ceiling", "validation_scores"]

LEARNED = 4000  # training pictures that the bag of words learns from
MOST_WORDS = 200  # commonest words that it knows
HEARD = 1  # how often a word is thought to have been heard, before any was, between two others


@dataclass
class Questioned:
    """Pictures, and all that is asked of them.

    Attributes
    ----------
    regions : Regions
    texts : list of list of int
        A caption of each picture, in numbers.
    words, colours : HiddenWords
        Some words of each caption hidden at once; each colour of each caption hidden alone.
    wrong : list of list of int
        For each picture a caption that is wrong for it.
    others : int array (P,)
        Another picture for each.
    captions, scenes : list
    """

    regions: Regions
    texts: list
    words: HiddenWords
    colours: HiddenWords
    wrong: list
    others: np.ndarray
    captions: list
    scenes: list | None

    @classmethod
    def of(cls, part, regions, tokens, batches, rng, count=None):
        """The questions about a part, or about its first pictures.

        Pictures without a wrong caption, where all captions are alike, are asked about their own twice.
        """
        count = min(len(part), count or len(part))
        captions, scenes = part.captions[:count], part.scenes and part.scenes[:count]
        texts = [tokens.encode(own[0]) for own in captions]
        pairs = [mismatched_caption(i, captions, scenes, rng) or (i, 0) for i in range(count)]
        wrong = [tokens.encode(captions[i][k]) for i, k in pairs]
        shift = 1 + int(rng.integers(max(1, count - 1)))                 # nobody keeps their own picture
        return cls(regions.rows(np.arange(count)), texts, words_hidden(texts, batches.hidden, batches.words, rng,
                                                                       batches.share),
                   colours_hidden(texts, tokens), wrong, (np.arange(count) + shift) % count, captions, scenes)

    def __len__(self):
        return len(self.texts)


def validation_scores(model, asked):
    """What is logged after each epoch: dict of str to float."""
    guesses, log_p = word_answers(model, asked.regions, asked.words)
    scores = {"word_accuracy": np.mean(guesses == asked.words.answers), "perplexity": np.exp(-log_p.mean()),
              "alignment": np.mean(_alignment(model, asked))}
    if len(asked.colours.ids):
        guesses, _ = word_answers(model, asked.regions, asked.colours)
        scores["colour_accuracy"] = np.mean(guesses == asked.colours.answers)
    if asked.regions.mask.any():
        scores["region_kl"] = divergences(*region_answers(model, asked.regions, asked.texts)).mean()
    return scores


def _alignment(model, asked):
    """Whether each right text, then each wrong one, is told: bool array (2 P,)."""
    right = match_probabilities(model, asked.regions, asked.texts)
    wrong = match_probabilities(model, asked.regions, asked.wrong)
    return np.concatenate([right > 0.5, wrong <= 0.5])


def divergences(p, q):
    r"""$\mathrm{KL}(q \,\|\, p) = \sum_k q_k \log \frac{q_k}{p_k}$ of each row: float array (R,).

    Examples
    --------
    >>> divergences(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])).round(4)
    array([0.6931])
    """
    q = q.astype(np.float64)
    return np.where(q > 0, q * (np.log(np.where(q > 0, q, 1)) - np.log(np.maximum(p, 1e-30))), 0).sum(1)


# The tables of the test --------------------------------------------------------------------------------------------


def results_of(part, model, asked, batches):
    """Tables of a part of the test: list of Results, for colours (where captions have some), words, pairs, regions."""
    found = [_colours(part, model, asked, batches)] if len(asked.colours.ids) else []
    found += [_words(part, model, asked, batches), _pairs(part, model, asked, batches)]
    return found + ([_regions(part, model, asked, batches)] if asked.regions.mask.any() else [])


def _word_scores(guesses, log_p, answers):
    return Scores({"accuracy": guesses == answers}, {"perplexity": float(np.exp(-log_p.mean()))})


def _beside_controls(model, asked, holes):
    """Scores of the model, and of the same model beside other pictures and beside none."""
    ways = {OURS: {}, "another picture": {"pictures": asked.others[holes.pictures]}, "no picture": {"absent": True}}
    return {name: _word_scores(*word_answers(model, asked.regions, holes, **how), holes.answers)
            for name, how in ways.items()}


def _colours(part, model, asked, batches):
    """Colours, each hidden alone."""
    systems, answers = _beside_controls(model, asked, asked.colours), asked.colours.answers
    said = np.bincount(np.concatenate([text for own in batches.encoded for text in own]), minlength=batches.hidden)
    share = np.where(np.isin(np.arange(batches.hidden), answers), said, 0) + 1e-9
    share = share / share.sum()                                          # of each colour among all colours
    systems["commonest colour"] = _word_scores(np.full(len(answers), share.argmax()), np.log(share[answers]), answers)
    return Results(f"{part}/colours", systems, "hidden colours", lower_is_better=("perplexity",))


def _words(part, model, asked, batches):
    """Words, some of each caption hidden at once."""
    systems, answers = _beside_controls(model, asked, asked.words), asked.words.answers
    for name, width in (("neighbouring words", 1), ("commonest word", 0)):
        p = _by_neighbours(batches, asked.words, width)
        systems[name] = _word_scores(p.argmax(1), np.log(p[np.arange(len(p)), answers]), answers)
    return Results(f"{part}/words", systems, "hidden words", lower_is_better=("perplexity",))


def _by_neighbours(batches, holes, width):
    r"""$p(w \mid l, r) \propto n(l, w, r) + p(w)$ of each hole, l and r the words beside it: float array (A, V).

    n counts the training captions; hidden neighbours were never heard. With width 0 it is p(w).
    """
    texts = [text for own in batches.encoded for text in own]
    counts = np.bincount(np.concatenate(texts), minlength=batches.hidden).astype(float)
    counts[:3] = 0                                                       # <pad>, <bos>, <eos> are never asked
    prior = (counts + 1e-3) / (counts + 1e-3).sum()
    heard = Counter((text[k - 1], text[k], text[k + 1]) for text in texts for k in range(1, len(text) - 1))
    between = {}
    for (left, word, right), n in heard.items():
        between.setdefault((left, right), []).append((word, n))
    rows = []
    for ids, labels in zip(holes.ids, holes.labels):
        for k in np.flatnonzero(labels >= 0):
            row = HEARD * prior
            for word, n in between.get((int(ids[k - 1]), int(ids[k + 1])), ()) if width else ():
                row[word] += n
            rows.append(row / row.sum())
    return np.array(rows)


def _pairs(part, model, asked, batches):
    """Right and wrong captions, as many of each."""
    right = np.arange(2 * len(asked)) < len(asked)
    bag = _bag_of_words(batches, asked)
    return Results(f"{part}/alignment", {OURS: Scores({"accuracy": _alignment(model, asked)}),
                                         "bag of words": Scores({"accuracy": bag == right}),
                                         "always matched": Scores({"accuracy": right})}, "pairs")


def _bag_of_words(batches, asked):
    """Whether text and picture match, by which words are there beside which classes of regions, in no order.

    Logistic regression over all products of a word (is it in the text?) and a class (its largest share of a region).
    """
    rng = np.random.default_rng(0)
    rows = np.arange(min(len(batches.captions), LEARNED))
    texts, labels, pictures = [], [], []
    for i in rows:
        other = mismatched_caption(i, batches.captions, batches.scenes, rng)
        for (j, k), label in (((i, 0), 1), (other, 0)) if other else ():
            texts.append(batches.encoded[j][k])
            labels.append(label)
            pictures.append(i)
    if len(set(labels)) < 2:
        return np.ones(2 * len(asked), bool)
    seen = np.concatenate([np.arange(len(asked))] * 2)
    return logistic_regression(_products(texts, batches.regions, np.array(pictures), batches.hidden), np.array(labels),
                               _products(asked.texts + asked.wrong, asked.regions, seen, batches.hidden)).astype(bool)


def _products(texts, regions, pictures, vocabulary):
    """Features (M, V·K) of texts beside pictures, and of each alone."""
    words = np.zeros((len(texts), min(vocabulary, MOST_WORDS)), np.float32)
    for row, text in zip(words, texts):
        row[[word for word in text if word < len(row)]] = 1
    classes = regions.classes.max(1)[pictures]                           # (M, K)
    both = (words[:, :, None] * classes[:, None]).reshape(len(texts), -1)
    return np.concatenate([both, words, classes], 1)


def _regions(part, model, asked, batches):
    """Regions, each hidden alone: how far the model's classes are from the classifier's."""
    p, q = region_answers(model, asked.regions, asked.texts)
    other, _ = region_answers(model, asked.regions, [asked.texts[i] for i in asked.others])
    known = batches.regions.classes[batches.regions.mask]
    prior = np.broadcast_to(known.mean(0), q.shape)
    systems = {OURS: p, "another text": other, "prior": prior}
    return Results(f"{part}/regions", {
        name: Scores({"kl": divergences(own, q), "accuracy": own.argmax(1) == q.argmax(1)})
        for name, own in systems.items()}, "hidden regions", lower_is_better=("kl",))


# Of the shapes world ------------------------------------------------------------------------------------------------


def text_ceiling(part, asked):
    """What can be known of the hidden colours by their texts alone: dict of metric to float."""
    kind = "held_out" if part.endswith("held_out") else "seen"
    right = colour_ceiling([own[0] for own in asked.captions], ShapesWorld(), kind)
    return {f"ceiling/text_only{part.removeprefix('test')}/colours/accuracy": float(right.mean())}


def foil_metrics(part, model, asked, tokens):
    """How often a caption that is nearly right is told to be wrong, kind by kind: dict of metric to float."""
    rng = np.random.default_rng(0)
    texts, kinds, pictures = [], [], []
    for i, (captions, scene) in enumerate(zip(asked.captions, asked.scenes)):
        for kind, foil in caption_foils(captions[0], scene, rng).items():
            texts.append(tokens.encode(foil))
            kinds.append(kind)
            pictures.append(i)
    told = match_probabilities(model, asked.regions, texts, np.array(pictures)) <= 0.5
    kinds = np.array(kinds)
    return {f"{part}/foils/{kind.replace(' ', '_')}/accuracy": float(told[kinds == kind].mean())
            for kind in dict.fromkeys(kinds.tolist())}
