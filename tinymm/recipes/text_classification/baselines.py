"""What the classifier is measured against: systems that need no gradients, and a bag of words trained like it."""

import numpy as np

from ...data import TfIdf, letter_ngrams
from ...data.texts.tokenizer import split_words
from ..baselines import linear_svm, majority_class

__all__ = ["baselines", "nearest_by_cosine", "oracle_of_bags"]

BLOCK = 512  # test texts whose cosines are held at a time


def baselines(train, test):
    """The class of each test text by each baseline: dict of str to int array.

    Parameters
    ----------
    train, test : LabelledTexts
    """
    said, classes = {"majority": majority_class(train.labels, len(test))}, len(train.classes)
    for name, terms in (("words", split_words), ("words and letters", letter_ngrams)):
        space = TfIdf([terms(text) for text in train.texts])
        x, y = (space([terms(text) for text in part.texts]) for part in (train, test))
        if name == "words":
            said["TF-IDF nearest neighbour"] = nearest_by_cosine(x, train.labels, y)
        said[f"TF-IDF SVM of {name}"] = linear_svm(x, train.labels, y, classes)
    return said


def nearest_by_cosine(train, labels, test):
    """For each row of `test` the label of the row of `train` at the smallest angle; rows of length 1, sparse.

    Examples
    --------
    >>> space = TfIdf([["a", "card"], ["a", "rate"]])
    >>> nearest_by_cosine(space([["a", "card"], ["a", "rate"]]), np.array([7, 8]), space([["rate"]]))
    array([8])
    """
    columns = train.T.tocsr()
    blocks = (test[start:start + BLOCK] for start in range(0, test.shape[0], BLOCK))
    return np.concatenate([labels[(rows @ columns).toarray().argmax(1)] for rows in blocks])


def oracle_of_bags(test, kinds, rng):
    """All that the words alone can tell: the true class of plain sentences, and a guess for the open ones."""
    guess = rng.integers(0, len(test.classes), len(test))
    return np.where(kinds == "plain", test.labels, guess)
