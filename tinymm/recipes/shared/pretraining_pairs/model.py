"""What a checkpoint of `vilbert` holds: the classifier of regions, and the model that reads texts beside them."""

import numpy as np

from .... import nn
from ....data import grid_boxes, object_boxes
from ....pretraining import ImageTextPreTraining, SingleStream, Vilbert
from ..checkpoints import checked_config
from .region_classifier import RegionClassifier

__all__ = ["BOXES", "CONFIG", "PairModel", "build_encoder", "build_pairs", "encoder_sizes"]

GRID = 4  # fields in a row, and in a column
BOXES = {"objects": object_boxes, "grid": lambda image: grid_boxes(GRID, GRID)}  # a picture to its regions
STREAMS = ("two", "one")
SIZES = ("width", "layers", "heads", "feedforward")
# The part of a config that says how texts and regions are read, for `checked_config`. `sizes` has a row for each
# stream, and of two streams a third one for the blocks between them, without the last entry.
CONFIG = {"streams": STREAMS, "regions": tuple(BOXES), "size": int, "vocabulary": int, "classes": int,
          "questions": [int], "features": int, "sizes": [[int]], "positions": int, "dropout": float}


class PairModel(nn.Module):
    """The classifier of regions, which is trained first, and what reads its features.

    The loss never calls the classifier, so that it has no gradient and stays as it is.

    Parameters
    ----------
    eye : RegionClassifier
    pairs : ImageTextPreTraining
    """

    def __init__(self, eye, pairs):
        self.eye, self.pairs = eye, pairs


def build_pairs(config, rng):
    """The PairModel of a config, its weights drawn from `rng`."""
    checked_config(config, **CONFIG)
    eye = RegionClassifier(config["questions"], config["features"], rng=rng)
    if eye.classes != config["classes"]:
        raise ValueError(f"config: the questions must have as many combinations of answers as there are classes; "
                         f"got {eye.classes} and {config['classes']}")
    return PairModel(eye, ImageTextPreTraining(build_encoder(config, rng), config["classes"], config["dropout"],
                                               rng=rng))


def build_encoder(config, rng):
    """What reads a text beside regions: `Vilbert` or `SingleStream`. One word more than the tokenizer: the mask."""
    rows = [dict(zip(SIZES, row)) for row in config["sizes"]]
    make, names = {"two": (Vilbert, ("text", "image", "connection")), "one": (SingleStream, ("stream",))}[
        config["streams"]]
    return make(config["vocabulary"] + 1, config["features"], **dict(zip(names, rows, strict=True)),
                positions=config["positions"], dropout=config["dropout"], rng=rng)


def encoder_sizes(config, two_streams):
    """The sizes of `streams`: those of two, or of one stream as deep as a word's path and, at most, as large as both.

    Parameters
    ----------
    config : dict
        Without sizes.
    two_streams : list of list of int
    """
    if config["streams"] == "two":
        return two_streams

    def parameters(streams, sizes):
        return build_encoder(config | {"streams": streams, "sizes": sizes}, np.random.default_rng(0)).num_parameters()

    wanted, ((_, layers, heads, _), _, (_, blocks, _)) = parameters("two", two_streams), two_streams
    low, high = 1, two_streams[0][0]                                     # multiples of the heads; `low` fits
    while low < high:
        middle = (low + high + 1) // 2
        fits = parameters("one", [_stream(middle * heads, layers + blocks, heads)]) <= wanted
        low, high = (middle, high) if fits else (low, middle - 1)
    return [_stream(low * heads, layers + blocks, heads)]


def _stream(width, layers, heads):
    return [width, layers, heads, 4 * width]
