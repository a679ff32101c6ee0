"""Scores of a classifier from its predicted and true class numbers:
accuracy, confusion matrix, scores of each class, macro F1."""

import numpy as np

__all__ = ["accuracy", "class_scores", "confusion_matrix", "macro_f1"]


def accuracy(predictions, labels):
    """Fraction of predictions that equal their label.

    Parameters
    ----------
    predictions, labels : (N,) int arrays
        Class numbers (the argmax of the scores, not the scores).

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes differ, are not (N,) with N > 0, or the numbers are not integers.

    Examples
    --------
    >>> accuracy([0, 1, 1, 2], [0, 1, 2, 2])
    0.75
    """
    predictions, labels = _checked(predictions, labels, "accuracy")
    return float(np.mean(predictions == labels))


def confusion_matrix(predictions, labels, classes=None):
    """How often each class was taken for each: rows are true classes, columns predicted ones.

    Parameters
    ----------
    predictions, labels : (N,) int arrays
        Class numbers, from 0.
    classes : int, optional
        How many classes there are; by default the largest number seen plus one.

    Returns
    -------
    (classes, classes) int64 ndarray
        Entry (i, j) counts the items of class i predicted as j; the sum is N.

    Raises
    ------
    ValueError
        As `accuracy` does, or if a class number is not in 0..classes-1.

    Examples
    --------
    >>> confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2])
    array([[1, 0, 0],
           [0, 1, 0],
           [0, 1, 1]])
    """
    predictions, labels = _checked(predictions, labels, "confusion_matrix")
    low = min(predictions.min(), labels.min())
    high = max(predictions.max(), labels.max())
    if classes is None:
        classes = int(high) + 1
    if low < 0 or high >= classes:
        raise ValueError(f"confusion_matrix: class numbers must lie in 0..{classes - 1}; got {low}..{high}")
    cells = labels.astype(np.int64) * classes + predictions.astype(np.int64)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def class_scores(predictions, labels, classes=None):
    r"""Precision, recall and F1 of each class.

    $$ \mathrm{precision} = \frac{\mathrm{TP}}{\mathrm{TP} + \mathrm{FP}}, \qquad
       \mathrm{recall} = \frac{\mathrm{TP}}{\mathrm{TP} + \mathrm{FN}}, \qquad
       F_1 = \frac{2\,\mathrm{TP}}{2\,\mathrm{TP} + \mathrm{FP} + \mathrm{FN}} $$

    Parameters
    ----------
    predictions, labels : (N,) int arrays
        Class numbers, from 0.
    classes : int, optional
        As in `confusion_matrix`.

    Returns
    -------
    dict of str to (classes,) ndarray
        "precision", "recall", "f1" in float64, NaN where the denominator is 0, and "count",
        how many items the class has.

    Raises
    ------
    ValueError
        As `confusion_matrix` does.

    Examples
    --------
    >>> found = class_scores([0, 0, 1], [0, 1, 1])
    >>> found["precision"].tolist(), found["recall"].tolist(), found["count"].tolist()
    ([0.5, 1.0], [1.0, 0.5], [1, 2])
    """
    matrix = confusion_matrix(predictions, labels, classes)
    hits = np.diag(matrix)                                  # TP
    predicted = matrix.sum(axis=0)                          # TP + FP
    true = matrix.sum(axis=1)                               # TP + FN

    def share(part, whole):
        return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)

    return {"precision": share(hits, predicted), "recall": share(hits, true), "f1": share(2 * hits, predicted + true),
            "count": true}


def macro_f1(predictions, labels):
    r"""F1 of each class, averaged with equal weight, so that rare classes count as much as common ones.

    $$ F_1(c) = \frac{2\,\mathrm{TP}_c}{2\,\mathrm{TP}_c + \mathrm{FP}_c + \mathrm{FN}_c} $$

    Parameters
    ----------
    predictions, labels : (N,) int arrays
        Class numbers, from 0.

    Returns
    -------
    float
        The mean over the classes that occur in `predictions` or `labels`.

    Raises
    ------
    ValueError
        As `confusion_matrix` does.

    Examples
    --------
    >>> macro_f1([0, 0, 0, 0], [0, 0, 0, 1])        # F1 = 6/7 and 0, while the accuracy is 3/4
    0.42857142857142855
    """
    predictions, labels = _checked(predictions, labels, "macro_f1")
    matrix = confusion_matrix(predictions, labels)
    denominator = matrix.sum(axis=0) + matrix.sum(axis=1)   # 2 TP + FP + FN
    occurs = denominator > 0
    return float(np.mean(2 * np.diag(matrix)[occurs] / denominator[occurs]))


def _checked(predictions, labels, name):
    predictions = np.asarray(predictions)
    labels = np.asarray(labels)
    if predictions.shape != labels.shape or predictions.ndim != 1 or predictions.size == 0:
        raise ValueError(
            f"{name}: predictions and labels must both have shape (N,), N > 0; "
            f"got {predictions.shape} and {labels.shape}"
        )
    for array in (predictions, labels):
        if not np.issubdtype(array.dtype, np.integer):
            raise ValueError(f"{name}: class numbers must be integers; got {array.dtype}")
    return predictions, labels
