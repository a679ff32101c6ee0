"""The test and the report of a painter: pictures beside controls, beside what it may have copied, and by numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ....data.texts.tokenizer import split_words
from ....mapping import FlowPainter, perplexity
from ....viz import Example
from ..captioned import nearest_images
from .judging import beside, distances, judged, own_is_nearer, strip
from ..prediction import over_batches
from ..results import OURS, Results

__all__ = ["Painted", "finish"]

SHOWN = 8  # pictures of each part in the report
TITLES = {"test": "Test: captions of unseen scenes", "test/held_out": "Test: combinations never seen together"}


@dataclass(frozen=True)
class Painted:
    """A trained painter as its test sees it.

    Parameters
    ----------
    model : FlowPainter or TokenPainter
    paint : callable
        ``paint(captions, rng, guidance=, steps=, path=)``.
    curves : dict
        Scores by guidance and by steps on validation, and under "chosen" which of them are used.
    number : int
        How many captions of each test part are painted.
    sketch : callable, optional
        Of a flow: ``sketch(captions)``, their mean pictures.
    """

    model: object
    paint: Callable
    curves: dict
    number: int
    sketch: Callable | None = None


@dataclass(frozen=True)
class _Part:
    """A test part with the pictures painted for it, each picture's nearest training picture, and the real ones."""

    captions: list
    images: np.ndarray
    real: np.ndarray
    near: np.ndarray
    distances: dict
    scores: dict
    ceilings: dict


def finish(run, painter, parts):
    """Test a painter, write `metrics.json` and `report.html`, and return the metrics."""
    tested = {name: _tested(run, painter, parts, name, k) for k, name in enumerate(n for n in parts if "test" in n)}
    lower = ("distance",) if parts["train"].scenes is None else ()
    results = [Results(name, part.scores, "pictures", lower) for name, part in tested.items()]
    report = run.report(f"Text to image, {run.options['path']}", f"Trained on {len(parts['train'])} pictures")
    more = _add_parts(report, tested, results)
    more |= _add_choices(report, painter.curves)
    if painter.sketch is not None:
        _add_strip(report, run, painter, next(iter(tested.values())).captions)
    else:
        more |= _add_codebook(report, painter.model.codec, parts)
    return run.finish(report, results, more)


def _tested(run, painter, parts, name, k):
    """Paint for the captions of a part, and for its controls."""
    train, part = parts["train"], parts[name]
    rows = np.arange(min(len(part), painter.number))
    captions, real = [part.captions[i][0] for i in rows], part.images(rows)
    chosen = painter.curves["chosen"]
    run.say(f"painting {len(rows)} captions of {name}, with and without their texts ...")
    images = painter.paint(captions, run.rng(7, k), **chosen)
    systems = {
        OURS: images,
        "nearest caption": train.images(_nearest_captions(train, captions)),
        "unconditional": painter.paint(captions, run.rng(8, k), **chosen | {"guidance": 0.0}),
        "shuffled text": np.roll(images, 1, 0),                          # nobody keeps their own
    }
    pairs = _new_pairs(train, part, rows)

    def score(pictures):
        return own_is_nearer(pictures, real) if part.scenes is None else judged(captions, pictures, pairs)

    ceilings = {} if part.scenes is None else {"real pictures": score(real)}
    if not isinstance(painter.model, FlowPainter) and part.scenes is not None:
        ceilings["through the codec"] = score(_through(painter.model.codec, real))
    near = nearest_images(train, images)
    distance = distances(images, train.images(near))
    of_real = distances(real, train.images(nearest_images(train, real)))
    return _Part(captions, images, real, train.images(near), {"painted": distance, "real, unseen": of_real},
                 {system: score(pictures) for system, pictures in systems.items()}, ceilings)


def _nearest_captions(train, captions):
    """For each caption the row of the training picture whose first caption has the most words in common with it,
    relative to all words of both (Jaccard)."""
    names = sorted({word for group in train.captions for word in split_words(group[0])})
    ids = {word: i for i, word in enumerate(names)}

    def bags(texts):
        bag = np.zeros((len(texts), len(names) + 1), np.float32)         # the last for words that are not known
        for row, text in zip(bag, texts):
            row[[ids.get(word, -1) for word in split_words(text)]] = 1
        return bag

    known, asked = bags([group[0] for group in train.captions]), bags(captions)
    both = asked @ known.T                                               # (N, M)
    return (both / (asked.sum(1)[:, None] + known.sum(1) - both)).argmax(1)


def _new_pairs(train, part, rows):
    """Of each scene its pair of colour and shape that no training scene has; None where there is not one in each."""
    if part.scenes is None:
        return None
    seen = set().union(*(scene.compositions for scene in train.scenes))
    pairs = [part.scenes[i].compositions - seen for i in rows]
    return [pair.pop() for pair in pairs] if all(len(pair) == 1 for pair in pairs) else None


def _through(codec, images):
    """Pictures as the decoder makes them of their codes."""
    def answer(rows):
        return codec.scale.to_images(codec.decode(codec.book.codes[codec.encode(images[rows]).ids]).data)

    return np.stack(over_batches(codec, len(images), 50, answer))


# The report -------------------------------------------------------------------------------------------------------


def _add_parts(report, tested, results):
    """Tables and pictures of each part; metrics of ceilings and of distances."""
    more = {}
    for found, (name, part) in zip(results, tested.items(), strict=True):
        found.add_to(report, TITLES[name], (
            "Nearest caption: the training picture whose caption has most words in common; unconditional: painted "
            "without a text; shuffled text: our pictures, each beside another's caption."))
        suffix = name.removeprefix("test")
        for ceiling, scores in part.ceilings.items():
            more |= {f"ceiling/{ceiling.replace(' ', '_')}{suffix}/{metric}": value
                     for metric, value in scores.metrics.items()}
        if part.ceilings:
            report.metrics({ceiling: scores.metrics for ceiling, scores in part.ceilings.items()},
                           caption="What the judge reads in pictures that nobody painted: no painter can be better.")
        _add_gallery(report, part)
        more |= _add_distances(report, part, suffix)
    return more


def _add_gallery(report, part):
    """Painted | the nearest training picture."""
    ours = part.scores[OURS].each
    right = ours.get("exact", [None] * len(part.images))
    report.gallery([Example(beside(part.images[i], part.near[i]), part.captions[i],
                            (f"distance {part.distances['painted'][i]:.3f}",), None if right[i] is None
                            else bool(right[i])) for i in range(min(SHOWN, len(part.images)))],
                   caption="The first captions of the part; painted, and beside it the nearest training picture by "
                           "pixels, with the root of the mean squared difference.")


def _add_distances(report, part, suffix):
    """Is it copying? Distances to the nearest training picture, of painted and of real ones."""
    report.table([[name, float(of.mean()), *(float(np.quantile(of, q)) for q in (0, 0.05, 0.5))]
                  for name, of in part.distances.items()],
                 ["pictures", "mean", "smallest", "lowest 5 %", "median"],
                 "Distance to the nearest training picture. Copies would be much nearer than real pictures that "
                 "training never saw.")
    return {f"nearest_training_picture{suffix}/{name.split(',')[0]}": float(of.mean())
            for name, of in part.distances.items()}


def _add_choices(report, curves):
    """What guidance and steps do on validation."""
    more = {f"chosen/{name}": float(value) for name, value in curves["chosen"].items() if name in curves}
    for name in (name for name in ("guidance", "steps") if name in curves):
        scores = curves[name]
        report.heading(f"How much {name}" if name == "guidance" else "How many steps")
        report.table([[f"{value:g}", float(score)] for value, score in scores.items()], [name, "score"],
                     f"On validation captions; {curves['chosen'][name]:g} is used.")
        more |= {f"val/{name}/{value:g}": float(score) for value, score in scores.items()}
    return more


def _add_strip(report, run, painter, captions):
    """From noise to picture, for four captions."""
    captions = captions[:4]
    path = painter.paint(captions, run.rng(9), **painter.curves["chosen"], path=True)
    sketch = painter.sketch(captions)
    report.heading("From noise to picture")
    report.gallery([Example(strip(sketch[i:i + 1], [images[i:i + 1] for images in path]), captions[i])
                    for i in range(len(captions))],
                   caption="On the left the sketch, which is what the text alone says: the mean of all its pictures. "
                           "Then equal steps from noise, σ = 1, to the picture, σ = 0.")


def _add_codebook(report, codec, parts):
    """How the codes of the pictures of validation and test are used."""
    images = np.concatenate([part.all_images() for name, part in parts.items() if name != "train"])
    ids = np.stack(over_batches(codec, len(images), 100, lambda rows: codec.encode(images[rows]).ids))
    counts = np.bincount(ids.ravel(), minlength=len(codec.book.codes))
    found = {"perplexity": perplexity(counts), "used": float((counts > 0).mean()), "commonest": float(
        counts.max() / counts.sum())}
    report.heading("The codebook")
    report.table([[name, value] for name, value in found.items()], ["of the codes", "value"],
                 f"Over {len(images)} unseen pictures of {ids.shape[1]} codes each, of {len(counts)} there are. "
                 "Perplexity: how many are in use, in effect; used: their share that occurs at all; commonest: the "
                 "share of the places that the commonest takes, the cloth.")
    return {f"codebook/{name}": value for name, value in found.items()}
