"""Classes by prompts on the shapes world: pictures of one thing, some of a colour and shape never seen together."""

import numpy as np

from ....data import COLOURS, SHAPES, SIZES, ShapesWorld, single_scenes
from ....data.shapes.language import PLACE_PHRASES, Mention
from ....mapping import class_vectors, classify, rejection_threshold
from ..baselines import logistic_regression
from ..results import OURS, Results, Scores

__all__ = ["add_zero_shot", "pair_prompts"]

PICTURES = {"train": 1500, "val": 480, "test": 480}  # train: for the linear probe alone
PENALTY = 1e-4  # of the probe


def pair_prompts(pair):
    """All simple ways to name one thing: of any size or none, at any place or none; the plainest first.

    Examples
    --------
    >>> prompts = pair_prompts(("red", "circle"))
    >>> len(prompts), prompts[0], prompts[-1]
    (30, 'a red circle', 'a large red circle on the right')
    """
    return [" ".join(filter(None, (str(Mention(*pair, size)), place)))
            for size in (None, *SIZES) for place in ("", *PLACE_PHRASES.values())]


def add_zero_shot(report, part, embed_images, embed_texts, rng):
    """Add how often a thing's class is found by prompts: all thirty classes, pictures of seen pairs and of unseen ones.

    Parameters
    ----------
    report : Report
    part : str
        "test/zero_shot".
    embed_images, embed_texts : callable
        Pictures (N, 3, H, W), and texts, to unit vectors.
    rng : numpy.random.Generator

    Returns
    -------
    list of Results
    dict of str to float
    """
    world = ShapesWorld()
    classes = [*world.seen, *world.held_out]
    prompts = [pair_prompts(pair) for pair in classes]
    ensemble = class_vectors(embed_texts, prompts)
    plain = class_vectors(embed_texts, [group[:1] for group in prompts])
    drawn, labels = _drawn(world, world.seen, PICTURES["train"], rng)
    probe = _probe(embed_images(drawn), [classes[label] for label in labels])
    results = []
    for name, pairs in (("held_out", world.held_out), ("seen", world.seen)):
        images, labels = _drawn(world, pairs, PICTURES["test"], rng)
        x = embed_images(images)
        truth = np.array([classes.index(pairs[label]) for label in labels])
        told = {OURS: classify(x, ensemble)[0], "one prompt": classify(x, plain)[0],
                "linear probe": np.array([classes.index(pair) for pair in probe(x)])}
        scores = {system: Scores({"accuracy": found == truth}) for system, found in told.items()}
        scores["chance"] = Scores({"accuracy": np.full(len(truth), 1 / len(classes))})
        results.append(Results(f"{part}/{name}", scores, "pictures", ways=("one prompt",)))
        title = "never seen together" if name == "held_out" else "seen together"
        results[-1].add_to(report, f"Zero-shot classes: colours and shapes {title}", (
            f"{len(classes)} classes, a colour and a shape each; training knew no classes, only captions. "
            f"A class is the mean of {len(prompts[0])} prompts, or one prompt alone. Linear probe: logistic "
            "regression of colour and of shape on the same frozen vectors, which has seen labels of the seen pairs."))
    metrics = _add_none_of_these(report, part, embed_images, ensemble, world, rng)
    report.text("A softmax over the prompts would sum to 1 whatever is shown: it is no probability that the picture "
                "holds the thing. It only says which prompt is nearest.")
    return results, metrics


def _drawn(world, pairs, n, rng):
    """Pictures of one thing each, of these pairs in turn; and which pair each is of."""
    return world.render(single_scenes(pairs, n, rng), rng), np.arange(n) % len(pairs)


def _probe(x, pairs):
    """Logistic regression of colour and of shape: a function from vectors to pairs."""
    colours = np.array([COLOURS.index(colour) for colour, _ in pairs])
    shapes = np.array([SHAPES.index(shape) for _, shape in pairs])
    mean, scale = x.mean(0), x.std(0) + 1e-6

    def told(new):
        known, new = (x - mean) / scale, (new - mean) / scale
        found = (logistic_regression(known, labels, new, penalty=PENALTY) for labels in (colours, shapes))
        return [(COLOURS[c], SHAPES[s]) for c, s in zip(*found)]

    return told


def _add_none_of_these(report, part, embed_images, vectors, world, rng):
    """How well a threshold on the cosine tells things of six classes from all others.

    It is set on validation pictures of seen pairs, every fourth of which is a class; and tested with the unseen pairs
    as classes.
    """
    seen, seen_vectors = world.seen, vectors[:len(world.seen)]
    known = np.arange(len(seen)) % 4 == 0
    images, labels = _drawn(world, seen, PICTURES["val"], rng)
    _, cosines = classify(embed_images(images), seen_vectors[known])
    chosen = rejection_threshold(cosines[known[labels]], cosines[~known[labels]])
    accepted, rejected = ((classify(embed_images(_drawn(world, pairs, PICTURES["test"], rng)[0]), vectors[len(seen):],
                                    chosen.threshold)[0] >= 0) for pairs in (world.held_out, world.seen))
    metrics = {f"{part}/none_of_these/accepted": float(accepted.mean()),
               f"{part}/none_of_these/rejected": float(1 - rejected.mean())}
    report.text(f"None of these: with the {len(world.held_out)} unseen pairs as the only classes, a picture whose "
                f"nearest class has a cosine below {chosen.threshold:.2f} (set on validation pictures of other classes)"
                f" is refused. Of pictures of these classes {accepted.mean():.1%} are accepted, of pictures of other "
                f"things {1 - rejected.mean():.1%} refused.")
    return metrics
