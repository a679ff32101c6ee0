"""Questions about pictures, answered by a model that was pre-trained on captioned pictures; from scratch beside it."""

import numpy as np

from .... import functional as F
from .... import nn
from ....data.files import named
from ....training import TrainingSet
from ..baselines import majority_class
from ..checkpoints import checked_config, load
from ..classification import scored, validation_scores
from ..options import require
from ..prediction import over_batches
from ..results import OURS, Results
from .model import BOXES, CONFIG, build_encoder
from .pairs import shown
from .region_classifier import RegionClassifier, read_regions

__all__ = ["PairAnswerer", "answer_from", "answer_probabilities", "build_answerer", "load_start"]

BATCH = 100
VALIDATED = 500  # questions that are answered after each epoch
SMOOTHING = 0.05  # of the labels


class PairAnswerer(nn.Module):
    r"""$p(a \mid q, \text{picture}) = \operatorname{softmax}(W_2\,\mathrm{LN}(\mathrm{GELU}(W_1 (p_q \odot p_v))))$.

    Parameters
    ----------
    eye : RegionClassifier
        Stays as it is: its features are computed beforehand.
    encoder : Vilbert or SingleStream
        Of which the pooled vectors $p_q$ and $p_v$ are taken.
    answers : int
    dropout : float
        On their product.
    rng : numpy.random.Generator

    References
    ----------
    Lu et al. (2019), ViLBERT, §3.2: visual question answering.
    """

    def __init__(self, eye, encoder, answers, dropout=0.1, *, rng):
        width = encoder.pooled_width
        self.eye, self.encoder = eye, encoder
        self.head = nn.Sequential(nn.Dropout(dropout, rng=rng), nn.Linear(width, 2 * width, rng=rng), nn.GELU(),
                                  nn.LayerNorm(2 * width), nn.Linear(2 * width, answers, rng=rng))

    def forward(self, given):
        """`Shown` questions and pictures to logits (B, answers)."""
        found = self.encoder(*given)
        return self.head(found.text.pooled * found.image.pooled)


def build_answerer(config, rng):
    """The PairAnswerer of a config, its weights drawn from `rng`; `classes` are the answers."""
    checked_config(config, **CONFIG)
    eye = RegionClassifier(config["questions"], config["features"], rng=rng)
    return PairAnswerer(eye, build_encoder(config, rng), config["classes"], config["dropout"], rng=rng)


def load_start(path, size, texts):
    """The checkpoint of `vilbert` to start from, once it is found to fit the pictures and the questions.

    Parameters
    ----------
    path : path
    size : int
        Side of the pictures.
    texts : iterable of str
        The questions to learn from.

    Returns
    -------
    Loaded

    Raises
    ------
    ValueError
        If it is of another recipe, of pictures of another size, or does not know a word, or reads shorter texts only.
    """
    loaded = load(path, "vilbert")
    config, known = loaded.config, loaded.tokenizer
    require(config["size"] == size, "--init", f"must be of pictures of the same size, {size}",
            f"{named(path)} with {config['size']}")
    words, longest = set(), 0
    for text in set(texts):
        ids = known.encode(text)
        longest = max(longest, len(ids))
        if known.ids["<unk>"] in ids:
            words.update(type(known).fit([text]).words[4:])
    unknown = sorted(words - {*known.words})
    require(not unknown, "--init", "must know the words of the questions",
            f"{named(path)} without {unknown[0] if unknown else ''!r}")
    require(longest <= config["positions"], "--init", f"must read texts of {longest} words",
            f"{named(path)} with positions {config['positions']}")
    return loaded


def answer_from(run, plan, loaded, asked, names, score):
    """Fine-tune, train the same model from scratch, and test both.

    Parameters
    ----------
    run : Run
        Begun.
    plan : FineTuning
    loaded : Loaded
        From `load_start`.
    asked : dict of str to asked.Questions
        "train", "val", and those that are tested on.
    names : list of str
        The answers.
    score : callable, optional
        As for `answer`.

    Returns
    -------
    PairAnswerer
    list of Results
    dict of str to array
        Of each part tested on, our probabilities.
    """
    config = loaded.config | {"classes": len(names)}
    boxes = BOXES[config["regions"]]
    regions, texts, place, labels = {}, {}, {}, {}
    for name, part in asked.items():
        numbers, place[name] = np.unique(part.images, return_inverse=True)
        regions[name] = read_regions(
            loaded.model.eye, lambda rows, part=part, numbers=numbers: part.load(numbers[rows]), len(numbers), boxes)
        texts[name] = [loaded.tokenizer.encode(text) for text in part.texts]
        labels[name] = part.labels(names)

    def given(name, rows):
        return shown(regions[name].rows(place[name][rows]), [texts[name][i] for i in rows])

    def probabilities(model, name, count=None):
        n = len(texts[name]) if count is None else min(count, len(texts[name]))
        return answer_probabilities(model, n, lambda rows: given(name, rows), texts[name][:n])

    def loss(model, batch, rng):
        pairs, right = batch
        return F.cross_entropy(model(pairs), right, label_smoothing=SMOOTHING)

    def validate(model):
        p = probabilities(model, "val", VALIDATED)
        return validation_scores(p, labels["val"][:len(p)])

    data = TrainingSet(len(texts["train"]), lambda rows, rng: (given("train", rows), labels["train"][rows]))
    start, scratch = build_answerer(config, run.rng(0)), build_answerer(config, run.rng(0))
    start.eye.load_state_dict(loaded.model.eye.state_dict())
    scratch.eye.load_state_dict(loaded.model.eye.state_dict())
    start.encoder.load_state_dict(loaded.model.pairs.encoder.state_dict())
    model = run.fit(plan, start, loss, data, validate, config=config, tokenizer=loaded.tokenizer, classes=names).model
    run.fit_control("from scratch", plan.evenly, scratch, loss, data, validate)
    results, found = [], {}
    for name in (name for name in asked if name.startswith("test")):
        found[name] = probabilities(model, name)
        systems = {OURS: found[name].argmax(1), "from scratch": probabilities(scratch, name).argmax(1),
                   "majority": majority_class(labels["train"], len(labels[name]))}
        scores = scored(systems, labels[name]) if score is None else score(name, systems)
        results.append(Results(name, scores, "questions"))
    return model, results, found


def answer_probabilities(model, count, given, texts):
    """p(answer) of each question: float array (N, answers).

    Parameters
    ----------
    model : PairAnswerer
    count : int
        N.
    given : callable
        ``given(rows)`` → Shown.
    texts : list of list of int
        For their lengths.
    """
    return np.array(over_batches(model, count, BATCH, lambda rows: F.softmax(model(given(rows)).data, -1),
                                 [len(text) for text in texts]))
