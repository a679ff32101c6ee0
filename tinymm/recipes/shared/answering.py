"""Answers from several modalities: a fusion by name, trained beside each modality alone, and held against them.

A page says what its encoders are and where its examples come from; what every such task does is said here: every
fusion gets as many parameters, each modality alone the same plan or a share of its steps, and the table has both, their
product, and what becomes of the answers when one modality is exchanged among the examples.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ... import functional as F
from ... import nn
from ...fusion import FusedClassifier, FusedOverTime, GradientModulation, ModalityDropout, confidences, gradient_norms
from ...metrics import accuracy
from ...training import TrainingSet
from .baselines import majority_class
from .classification import scored, validation_scores
from .fusions import FUSIONS, width_for
from .prediction import over_batches
from .results import OURS, Results

__all__ = [
    "Answered", "BATCH", "Examples", "FUSED", "Single", "add_ablation", "answer", "fused", "fused_config",
    "probabilities", "product",
]

BATCH = 100  # examples that are answered at a time
SMOOTHING = 0.05  # of the labels
# The part of a config that `fused` reads, for `checked_config`.
FUSED = {"fusion": tuple(FUSIONS), "fused_width": int, "classes": int, "dropout": float, "drop": float}


@dataclass
class Examples:
    """Some examples of several modalities.

    Parameters
    ----------
    inputs : callable
        ``inputs(rows, rng)`` → (inputs, masks), a tuple with an entry for each modality, as encoders take them. With a
        Generator, in training, examples may be varied; without one they are as they are. Rows are an int array (B,),
        or (B, K) where K examples at a time share something, which then is given once.
    labels : int array (N,)
    present : boolean array (N, M), optional
        Which modality an example has; default: all.
    shared : int array (N,), optional
        The number of what an example shares with others, such as of the image that a question is about.
    """

    inputs: Callable
    labels: np.ndarray
    present: np.ndarray | None = None
    shared: np.ndarray | None = None

    def __len__(self):
        return len(self.labels)


class Single(nn.Module):
    r"""One modality alone: $p(k \mid x_m) = \operatorname{softmax}(W y_m + b)_k$, y its pooled features.

    Examples
    --------
    >>> import tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> model = Single(tm.encoders.BagOfWords(10, 8, rng=rng), 3, rng=rng)
    >>> model(np.array([[4, 5]])).shape
    (1, 3)
    """

    def __init__(self, encoder, classes, dropout=0.0, *, rng):
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.scores = nn.Linear(encoder.pooled_width, classes, rng=rng)

    def forward(self, x, mask=None):
        """What the encoder takes, to logits (B, K)."""
        return self.scores(self.dropout(self.encoder(x, mask).pooled))


def fused_config(fusion, encoders, parameters, classes, dropout=0.0, drop=0.0, states=None):
    """The part of a config that says how modalities are fused, for `fused`.

    Parameters
    ----------
    fusion : str
        A name in `FUSIONS`.
    encoders : dict of str to Module
    parameters : int
        Of the fusion and of the scores that follow it, at most.
    classes : int
    dropout : float
        On what the scores are computed from.
    drop : float
        The probability with which a modality is hidden from a training example.
    states : int, optional
        The last modality is of clips, and a recurrence so wide reads what is fused at each frame; it counts among the
        parameters.
    """
    widths = _widths(fusion, encoders, classes)
    follows = classes if states is None else 3 * states                  # a GRU has three maps of what enters it
    config = {"fusion": fusion, "fused_width": width_for(FUSIONS[fusion], widths, parameters, follows),
              "classes": classes, "dropout": dropout, "drop": drop}
    return config if states is None else config | {"states": states}


def fused(config, encoders, rng):
    """The `FusedClassifier`, or `FusedOverTime`, of what `fused_config` gave."""
    widths = _widths(config["fusion"], encoders, config["classes"])
    fusion = FUSIONS[config["fusion"]].make(widths, config["fused_width"], rng)
    if config["drop"]:
        fusion = ModalityDropout(fusion, config["drop"], rng=rng)
    if "states" in config:
        return FusedOverTime(encoders, fusion, config["classes"], config["dropout"], config["states"], rng=rng)
    return FusedClassifier(encoders, fusion, config["classes"], config["dropout"], rng=rng)


def _widths(name, encoders, classes):
    """What the fusion of this name is given: the widths of features, of pooled features, or of decisions."""
    choice = FUSIONS[name]
    kind = choice.make(dict.fromkeys(encoders, 4), 4 * choice.multiple, np.random.default_rng(0)).kind
    return {modality: {"sequences": encoder.width, "decisions": classes,
                       "vectors": getattr(encoder, "frame_width", encoder.pooled_width)}[kind]
            for modality, encoder in encoders.items()}


@dataclass
class Answered:
    """What `answer` found.

    Attributes
    ----------
    model : FusedClassifier
    results : list of Results
        One for each part that is tested on.
    p : dict of str to array (N, K)
        Of each of these parts, our probabilities.
    more : dict of str to float
        Metrics beside the results: "ablation/NAME/accuracy".
    singles : dict of str to Single
        The control of each modality.
    """

    model: FusedClassifier
    results: list
    p: dict
    more: dict
    singles: dict


def answer(run, config, encoders, parts, plan, names, *, items, tokenizer=None, modulate=False, alone=0.0,
           variants=None, share=1.0, score=None, together=1, controls=True):
    """Train the fused model and each modality alone, and test them all.

    Parameters
    ----------
    run : Run
        Begun.
    config : dict
        For `fused`, and for the page's `encoders`.
    encoders : callable
        ``encoders(config, rng)`` → dict of modality to encoder, weights drawn from `rng`.
    parts : dict of str to Examples
        "train", "val", and those that are tested on: "test", "test/…".
    plan : Plan
    names : sequence of str
        Of the classes.
    items : str
        What is counted: "questions".
    tokenizer : object, optional
        For the checkpoint.
    modulate : bool
        Whether the modality that is ahead is slowed.
    alone : float
        Weight in the loss of the answers that the model gives where all modalities but one are absent.
    variants : dict of str to callable, optional
        Further controls, such as "single frame": ``variant(inputs, rng)`` → inputs, of which the same model is trained
        and tested with less to see.
    share : float
        Of the plan's steps that each control takes, where a computed ceiling says what it can reach.
    score : callable, optional
        ``score(part, predictions)`` → dict of system to Scores; by default accuracy and macro F1.
    together : int
        K, if the examples share something: the plan's batches are of so many shared things, with K examples of each.
    controls : bool
        Whether the controls are trained: each modality alone, and the variants.

    Returns
    -------
    Answered
    """
    train, val = parts["train"], parts["val"]
    data = _batches(train, together)
    model = run.fit(plan, fused(config, encoders(config, run.rng(0)), run.rng(0, 1)), _loss(modulate, alone), data,
                    lambda model: validation_scores(probabilities(model, val), val.labels), config=config,
                    tokenizer=tokenizer, classes=names, after_backward=_watch_gradients(modulate)).model
    modalities = list(model.encoders)
    singles, plan = {}, plan.shortened(share)
    for m, name in enumerate(modalities if controls else ()):
        alone = Single(encoders(config, run.rng(0))[name], len(names), config["dropout"], rng=run.rng(0, 2))
        singles[name] = run.fit_control(
            f"{name} only", plan, alone, _single_loss(m), data,
            lambda model, m=m: {"accuracy": accuracy(_alone(model, val, m).argmax(1), val.labels)})
    others = {}
    for name, variant in (variants or {}).items() if controls else ():
        less = {part: _less(examples, variant, run.rng(7)) for part, examples in parts.items()}
        other = fused(config, encoders(config, run.rng(0)), run.rng(0, 1))
        run.fit_control(
            name, plan, other, _loss(), _batches(less["train"], together),
            lambda model, seen=less["val"]: {"accuracy": accuracy(probabilities(model, seen).argmax(1), seen.labels)})
        others[name] = other, less
    prior = np.bincount(train.labels[train.labels >= 0], minlength=len(names)) + 1.0
    results, found, more = [], {}, {}
    for part in (part for part in parts if part.startswith("test")):
        examples = parts[part]
        found[part] = probabilities(model, examples)
        systems = {OURS: found[part].argmax(1), "majority": majority_class(train.labels, len(examples))}
        alone = {name: _alone(single, examples, m) for m, (name, single) in enumerate(singles.items())}
        systems |= {f"{name} only": p.argmax(1) for name, p in alone.items()}
        if alone:
            systems["product"] = product(list(alone.values()), prior).argmax(1)
        systems |= {name: probabilities(other, less[part]).argmax(1) for name, (other, less) in others.items()}
        scores = scored(systems, examples.labels) if score is None else score(part, systems)
        results.append(Results(part, scores, items))
        for m, name in enumerate(modalities):
            exchanged = _exchanged(model, examples, m, run.rng(6, m)).argmax(1)
            more[f"ablation/{name}{part.removeprefix('test')}/accuracy"] = accuracy(exchanged, examples.labels)
    return Answered(model, results, found, more, singles)


def _batches(examples, together=1):
    """What to train on: inputs, masks and labels."""
    def batch(rows, rng):
        return *examples.inputs(rows, rng), examples.labels[rows].ravel()

    if together == 1:
        return TrainingSet(len(examples), batch)
    order = np.argsort(examples.shared, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(examples.shared[order])) + 1)

    def some_of_each(numbers, rng):
        return batch(np.stack([rng.choice(groups[i], together, replace=len(groups[i]) < together)
                               for i in numbers]), rng)

    return TrainingSet(len(groups), some_of_each)


def _times(inputs, labels):
    """To how many examples in turn each row of each input belongs."""
    return tuple(len(labels) // len(x) for x in inputs)


def product(decisions, prior):
    r"""$p(k) \propto p(k)^{1 - M} \prod_m p(k \mid x_m)$: Bayes' rule where modalities are independent given the class.

    Parameters
    ----------
    decisions : list of arrays (N, K)
        Probabilities.
    prior : array (K,)
        Proportional to p(k).

    Examples
    --------
    >>> product([np.array([[0.9, 0.1]]), np.array([[0.8, 0.2]])], np.ones(2)).round(3)
    array([[0.973, 0.027]])
    """
    log_p = sum(np.log(np.maximum(p, 1e-12)) for p in decisions) - (len(decisions) - 1) * np.log(prior / prior.sum())
    p = np.exp(log_p - log_p.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def probabilities(model, examples, present=None):
    """p(k) of each example: float array (N, K); `present` (N, M) in place of the examples' own."""
    here = examples.present if present is None else present

    def ask(rows):
        inputs, masks = examples.inputs(rows, None)
        return F.softmax(model(inputs, masks, None if here is None else here[rows])[0].data, -1)

    return np.array(over_batches(model, len(examples), BATCH, ask))


def _alone(model, examples, m):
    """The same of modality m's own model; a uniform answer where the modality is absent."""
    def ask(rows):
        inputs, masks = examples.inputs(rows, None)
        p = F.softmax(model(inputs[m], masks[m]).data, -1)
        absent = np.zeros(len(rows), bool) if examples.present is None else ~examples.present[rows, m]
        return np.where(absent[:, None], 1 / p.shape[1], p)

    return np.array(over_batches(model, len(examples), BATCH, ask))


def _less(examples, variant, rng):
    """The examples as a control sees them; without a Generator of training's, in one fixed way."""
    fixed = int(rng.integers(2**31))

    def inputs(rows, drawn):
        found, masks = examples.inputs(rows, drawn)
        return variant(found, np.random.default_rng([fixed, *rows[:1]]) if drawn is None else drawn), masks

    return Examples(inputs, examples.labels, examples.present, examples.shared)


def _exchanged(model, examples, m, rng):
    """What the model says when modality m is exchanged among the examples, and the others are as they were."""
    order = rng.permutation(len(examples))

    def inputs(rows, _):
        own, others = examples.inputs(rows, None), examples.inputs(order[rows], None)
        return tuple(tuple(b if i == m else a for i, (a, b) in enumerate(zip(mine, theirs)))
                     for mine, theirs in zip(own, others))

    return probabilities(model, Examples(inputs, examples.labels, examples.present))


def _loss(modulate=False, alone=0.0):
    def loss(model, batch, rng):
        inputs, masks, labels = batch
        encoded = model.encode(inputs, masks, _times(inputs, labels))
        value = F.cross_entropy(model.decide(encoded)[0], labels, label_smoothing=SMOOTHING)
        for m in range(len(encoded) if alone else 0):
            present = np.tile(np.arange(len(encoded)) == m, (len(labels), 1))
            logits, _ = model.decide(encoded, present)
            value = value + alone * F.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
        if not modulate:
            return value
        sure = confidences(model, encoded, labels)
        return value, {f"confidence/{name}": s for name, s in sure.items()}

    return loss


def _single_loss(m):
    def loss(model, batch, rng):
        inputs, masks, labels = batch
        times = _times(inputs, labels)[m]
        logits = model(inputs[m], masks[m])[np.repeat(np.arange(len(labels) // times), times)]
        return F.cross_entropy(logits, labels, label_smoothing=SMOOTHING)

    return loss


def _watch_gradients(modulate):
    """The hook that logs the norm of each encoder's gradient, as "gradient/NAME", and slows who is ahead."""
    remedy = GradientModulation() if modulate else None

    def after_backward(model, numbers, rng):
        numbers |= {f"gradient/{name}": norm for name, norm in gradient_norms(model).items()}
        if remedy is not None:
            remedy(model, numbers, rng)

    return after_backward


def add_ablation(report, answered):
    """Add to a report what becomes of the answers when one modality is another example's."""
    report.heading("What each modality is used for")
    rows = [["all as they are", answered.results[0].systems[OURS].metrics["accuracy"]]]
    for name in answered.model.encoders:
        rows.append([f"{name} exchanged among the examples", answered.more[f"ablation/{name}/accuracy"]])
    report.table(rows, ["test", "accuracy"], caption=(
        "The same model, one modality permuted among the examples: what it loses is what it took from that modality."))
