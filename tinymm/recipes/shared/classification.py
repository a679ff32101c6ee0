"""What every recipe that classifies reports: systems beside baselines, each class, confusions, the worst errors.

    results = Results("test", scored({OURS: predicted, "majority": majority_class(train_labels, len(labels))}, labels))
    results.add_to(report, "Test: unseen images")
    add_classes(report, predicted, labels, names)
    add_worst_errors(report, probabilities, labels, names, show)
"""

import numpy as np

from ...metrics import accuracy, class_scores, confusion_matrix, macro_f1
from ...viz import Example
from .predicting import Answer
from .results import Scores

__all__ = ["add_classes", "add_worst_errors", "answers", "scored", "validation_scores", "worst_errors"]


def scored(predictions, labels):
    """Score each system on the same items.

    Parameters
    ----------
    predictions : mapping of str to int array (N,)
        For each system, ours first, the class of each item.
    labels : int array (N,)
        -1 for a class that no system knows: wrong, whatever is predicted.

    Returns
    -------
    dict of str to Scores
        Of "accuracy", and "macro_f1" over the items of known classes.

    Examples
    --------
    >>> scored({"tinymm": np.array([0, 1, 1, 1]), "majority": np.array([1, 1, 1, 1])}, [0, 1, 1, 0])["majority"].metrics
    {'accuracy': 0.5, 'macro_f1': 0.3333333333333333}
    """
    labels = np.asarray(labels)
    known = labels >= 0
    return {system: Scores({"accuracy": np.asarray(classes) == labels},
                           {"macro_f1": macro_f1(np.asarray(classes)[known], labels[known])})
            for system, classes in predictions.items()}


def validation_scores(p, labels):
    """Accuracy and mean negative log-likelihood of probabilities (N, K)."""
    likelihood = p[np.arange(len(labels)), labels]
    return {"accuracy": accuracy(p.argmax(1), labels), "loss": -np.log(np.maximum(likelihood, 1e-12)).mean()}


def answers(p, names):
    """What `tinymm predict` tells of probabilities (N, K): the likeliest class, its probability, and all others."""
    return [Answer(names[row.argmax()], float(row.max()), dict(zip(names, map(float, row)))) for row in p]


def worst_errors(probabilities, labels, count=12):
    """Rows that are predicted wrong, those first whose true class was thought least likely.

    Parameters
    ----------
    probabilities : float array (N, K)
    labels : int array (N,)
    count : int
        At most so many.

    Returns
    -------
    int array

    Examples
    --------
    >>> worst_errors(np.array([[0.6, 0.4], [0.9, 0.1], [0.2, 0.8]]), np.array([1, 1, 1]))
    array([1, 0])
    """
    labels = np.asarray(labels)
    wrong = np.flatnonzero(probabilities.argmax(1) != labels)
    return wrong[np.argsort(probabilities[wrong, labels[wrong]], kind="stable")][:count]


def add_classes(report, predictions, labels, names):
    """Add the confusion matrix and the scores of each class."""
    report.heading("What was taken for what")
    report.confusion(confusion_matrix(predictions, labels, len(names)), names, caption=(
        "Rows are true classes, columns what was predicted. The stronger the shade, the larger the share of the row."
        if len(names) <= 20 else "The pairs that were confused most often."))
    found = class_scores(predictions, labels, len(names))
    columns = [[None if np.isnan(value) else float(value) for value in found[key]]
               for key in ("precision", "recall", "f1")]
    rows = list(zip(names, *columns, found["count"].tolist()))
    if len(rows) > 20:
        rows = sorted(rows, key=lambda row: (row[2] is None, row[2]))[:20]
    report.table(rows, ["class", "precision", "recall", "F1", "items"], caption=(
        "Each class by itself." if len(names) <= 20 else f"The 20 classes of {len(names)} with the lowest recall."))


def add_worst_errors(report, probabilities, labels, names, show, count=12):
    """Add the surest mistakes as a gallery.

    `show(row)` gives (image or None, text) of an item; the text, which may be empty, stands before what was predicted.
    """
    rows = worst_errors(probabilities, labels, count)
    report.heading("The worst errors")
    if not len(rows):
        report.text("None: every item was classified right.")
        return
    examples = []
    for row in rows:
        image, text = show(int(row))
        predicted = int(probabilities[row].argmax())
        true = int(labels[row])
        answer = f"{names[predicted]} ({probabilities[row, predicted]:.0%})"
        examples.append(Example(image, f"{text} → {answer}" if text else answer,
                                (f"true: {names[true]} ({probabilities[row, true]:.1%})",), right=False))
    wrong = int((probabilities.argmax(1) != labels).sum())
    report.gallery(examples,
                   caption=f"{len(rows)} of {wrong} errors, those first whose true class was thought least likely.")
