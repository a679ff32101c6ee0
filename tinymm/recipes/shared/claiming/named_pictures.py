"""Pictures and their captions as two views of the same things, for the claims on the semantic gap and on labels.

A picture is told by its histograms of edges and colours or by its pixels, a caption by its words. Nothing here is
learned from pairs.
"""

import numpy as np

from ....data import TfIdf, colour_histograms, gradient_histograms, read_coco_captions, split_words
from ....data.images import fit_components
from ..captioned import read_captioned
from ..options import require
from .matching import Views

__all__ = ["LOOKS", "NamedPictures"]

SIDE, CELL, COARSE = 32, 8, 16  # pixels a side of a picture, of a histogram's cell, and of a picture as pixels
MOST = {"train": 5000, "val": 500, "test": 500}  # things
FEWEST = 8  # things to match
COMPOSED = "base", "tones"  # fields of emoji, of which pairs are held out where a folder has them


class NamedPictures:
    """A folder in the layout of COCO captions, by part.

    Where all pictures have a base and skin tones, as emoji do, pairs of these that training lacks are tested on; else
    it is the folder's own split, or one at random. No two things that are matched with each other have the same words,
    and each has a word that training knows: else nobody could tell which is meant.

    Parameters
    ----------
    run : Run
        Its `data` is the folder.

    Attributes
    ----------
    split : str
        How the parts were chosen.

    Raises
    ------
    ValueError
        As `read_captioned`, or if fewer than 8 things are left to match.
    """

    def __init__(self, run):
        parts, notes = read_captioned(run.data, run.rng, SIDE, _composed(run.data))
        self.split = notes["split"]
        parts = {name: parts[name].rows(np.sort(run.rng(80, k).permutation(len(parts[name]))[:most]))
                 for k, (name, most) in enumerate(MOST.items())}
        words = {name: [split_words(texts[0]) for texts in part.captions] for name, part in parts.items()}
        bag = TfIdf(words["train"])
        self.captions = {name: bag(own).toarray() for name, own in words.items()}
        self.pictures = {name: part.all_images() for name, part in parts.items()}
        for name in ("val", "test"):
            rows = _distinct(self.captions[name])
            require(len(rows) >= FEWEST, run.data, f"must leave {FEWEST} pictures with words of their own for {name}",
                    len(rows))
            self.captions[name], self.pictures[name] = self.captions[name][rows], self.pictures[name][rows]

    def views(self, look, components=None):
        """Both views of the things, each centred and of variance 1 over all entries of training.

        Parameters
        ----------
        look : str
            How pictures are told, one of `LOOKS`.
        components : int, optional
            Reduce either view to so many principal components of the training things, at most.

        Returns
        -------
        Views
            The things to learn from come in another order each time, so that the first of them are a random share.
        """
        both = [{name: LOOKS[look](own) for name, own in self.pictures.items()}, self.captions]
        first, second = (_scaled(view if components is None else _reduced(view, components)) for view in both)
        pairs = {name: (first[name], second[name]) for name in MOST}

        def train(rng):
            order = rng.permutation(len(pairs["train"][0]))
            return tuple(view[order] for view in pairs["train"])

        return Views(train, pairs["val"], pairs["test"])


def _composed(directory):
    """The fields of which pairs are to be held out, if the folder has them and no split of its own."""
    data = read_coco_captions(directory)
    return COMPOSED if data.split is None and all({*COMPOSED} <= {*own} for own in data.fields) else None


def _distinct(bags):
    """The rows that hold a word, each the first of those that are equal."""
    first = np.unique(bags, axis=0, return_index=True)[1]
    return np.sort(first[bags[first].any(1)])


def _histograms(pictures):
    return np.concatenate([told(pictures, CELL).reshape(len(pictures), -1)
                           for told in (gradient_histograms, colour_histograms)], 1)


def _pixels(pictures):
    n, step = len(pictures), SIDE // COARSE
    return pictures.reshape(n, 3, COARSE, step, COARSE, step).mean((3, 5)).reshape(n, -1)


LOOKS = {"pixels": _pixels, "histograms": _histograms}


def _reduced(view, components):
    """Rows (N, D) of each part to their principal components of training."""
    as_pictures = {name: own[:, None, None] for name, own in view.items()}
    found = fit_components(as_pictures["train"], min(components, *view["train"].shape))
    return {name: found.scores(own) for name, own in as_pictures.items()}


def _scaled(view):
    mean = view["train"].mean(0)
    spread = np.sqrt(np.mean((view["train"] - mean) ** 2))
    return {name: ((own - mean) / spread).astype(np.float32) for name, own in view.items()}
