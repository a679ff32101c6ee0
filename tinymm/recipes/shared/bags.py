"""Baselines of retrieval: everything as a bag of words, told from pixels or from sound without a neural network."""

import numpy as np

from ...data import TfIdf, split_words
from .retrieving.searches import Answers, Space, recalls
from .sounds import outline, spectrogram

__all__ = ["baseline_spaces", "ridge"]

SIDE = 32  # pixels; larger pictures are averaged down to it
KNOWN = 4000  # training pictures that are learned from
PENALTIES = (0.01, 0.1, 1.0)


def ridge(x, y, penalty):
    r"""Linear regression that keeps its weights small, from rows of x (N, P) to rows of y (N, V).

    $$ \hat y(x') = \bar y + (x' - \bar x)\, X^\top (X X^\top + \lambda I)^{-1} Y, \qquad
       \lambda = \text{penalty} \cdot \tfrac1N \operatorname{tr} X X^\top $$

    X and Y are centred. The matrix has a row and column for each example, however many pixels there are.

    Returns
    -------
    callable
        x' (n, P) → array (n, V).

    Examples
    --------
    >>> line = ridge(np.array([[0.0], [2.0]]), np.array([[1.0], [5.0]]), 1e-9)
    >>> line(np.array([[1.0], [3.0]])).round(3).tolist()
    [[3.0], [7.0]]
    """
    x_mean, y_mean = x.mean(0), y.mean(0)
    X = x - x_mean
    gram = X @ X.T                                                       # (N, N)
    level = penalty * np.trace(gram) / len(gram)
    W = X.T @ np.linalg.solve(gram + level * np.eye(len(gram), dtype=gram.dtype), y - y_mean)
    return lambda new: y_mean + (new - x_mean) @ W


def baseline_spaces(train, val, parts, nearest):
    """Where two baselines put the items of some parts: for each name of a part, by baseline, a `Space`.

    Ridge: words are regressed from pixels, and from outlines of spectrograms. Nearest neighbour: the words of the
    training picture with the smallest squared distance, and of the nearest outline. A text is its own words. The
    penalty is the one by which most validation pictures have a text of theirs as the nearest one.

    Parameters
    ----------
    train, val : Items
    parts : dict of str to Items
    nearest : callable
        ``nearest(train, images)`` → the numbers of the nearest training pictures.

    Returns
    -------
    spaces : dict of str to dict of str to Space
    of_texts : callable
        Where both put texts: ``of_texts(texts)`` → array (n, V).
    """
    documents = [split_words(" ".join(text for texts in train.texts.values() for text in texts[i]))
                 for i in range(len(train))]
    bag = TfIdf(documents)
    bags = bag(documents)
    rows = np.arange(min(len(train), KNOWN))
    pixels, known = _pixels(train.images(rows)), bags[rows].toarray()
    heard = sorted(train.sounds)
    outlines = _outlines([train.sounds[i] for i in heard])
    said = bag([split_words(train.spoken[i]) for i in heard]).toarray()

    fits = {penalty: (ridge(pixels, known, penalty), ridge(outlines, said, penalty) if heard else None)
            for penalty in PENALTIES}

    def of_texts(texts):
        return bag([split_words(text) for text in texts]).toarray()

    def of_ridge(items, penalty):
        from_pixels, from_sound = fits[penalty]
        return Space.of(items, lambda images: _unit(from_pixels(_pixels(images))), of_texts,
                        lambda sounds: _unit(from_sound(_outlines(sounds))))

    def of_neighbours(items):
        return Space.of(items, lambda images: bags[nearest(train, images)].toarray(), of_texts,
                        lambda sounds: said[_nearest_rows(outlines, _outlines(sounds))])

    answers = Answers.of(of_neighbours(val))
    best = max(PENALTIES, key=lambda penalty: recalls(of_ridge(val, penalty), answers)["recall_at_1"])
    return {name: {"ridge": of_ridge(items, best), "nearest neighbour": of_neighbours(items)}
            for name, items in parts.items()}, of_texts


def _pixels(images):
    """Pictures (N, 3, H, W) averaged down, as rows (N, P)."""
    n, C, H, _ = images.shape
    k = max(1, H // SIDE)
    return images.reshape(n, C, H // k, k, H // k, k).mean((3, 5)).reshape(n, -1)


def _outlines(sounds):
    return np.array([outline(spectrogram(sound), 16) for sound in sounds])


def _nearest_rows(known, new):
    """For each row of `new` the number of the row of `known` at the smallest squared distance."""
    return ((known * known).sum(1) - 2 * new @ known.T).argmin(1)


def _unit(x):
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
