"""What every recipe that classifies reports: systems beside baselines, each class, confusions, the worst errors.

    results = {"test": evaluate({OURS: predicted, "majority": majority_class(train_labels, len(labels))}, labels)}
    folder.write("metrics.json", flat(results))
    add_results(report, "Test: unseen images", results["test"], len(labels))
    add_classes(report, predicted, labels, names)
    add_worst_errors(report, probabilities, labels, names, show)
"""

import numpy as np

from ..metrics import accuracy, class_scores, confusion_matrix, macro_f1, wilson_interval
from ..viz import Example, format_table
from .results import with_intervals

__all__ = ["add_classes", "add_results", "add_worst_errors", "evaluate", "table", "worst_errors"]


def evaluate(said, labels):
    """Score each system on the same items.

    Parameters
    ----------
    said : mapping of str to int array (N,)
        For each system, ours first, the class of each item.
    labels : int array (N,)

    Returns
    -------
    dict of str to dict of str to float
        system → "accuracy", "macro_f1".

    Examples
    --------
    >>> evaluate({"tinymm": [0, 1, 1, 1], "majority": [1, 1, 1, 1]}, [0, 1, 1, 0])["majority"]
    {'accuracy': 0.5, 'macro_f1': 0.3333333333333333}
    """
    return {system: {"accuracy": accuracy(classes, labels), "macro_f1": macro_f1(classes, labels)}
            for system, classes in said.items()}


def table(results, sizes):
    """The numbers as text, for the terminal; `sizes` maps each part to its number of items.

    Examples
    --------
    >>> print(table({"test": {"tinymm": {"accuracy": 0.5}}}, {"test": 100}))
    <BLANKLINE>
    test (100 items)
    system  accuracy  95 % interval
    ------  --------  --------------
    tinymm     0.500  0.404 to 0.596
    """
    blocks = []
    for part, systems in results.items():
        n, rows = sizes[part], []
        for system, scores in systems.items():
            low, high = wilson_interval(round(scores["accuracy"] * n), n)
            others = [value for metric, value in scores.items() if metric != "accuracy"]
            rows.append([system, scores["accuracy"], f"{low:.3f} to {high:.3f}", *others])
        others = [metric for metric in next(iter(systems.values())) if metric != "accuracy"]
        blocks.append(f"\n{part} ({n} items)\n" + format_table(rows, ["system", "accuracy", "95 % interval", *others]))
    return "\n".join(blocks)


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


def add_results(report, title, systems, n, caption=""):
    """Add to a `Report` the systems beside their baselines, accuracies with intervals."""
    report.heading(title)
    report.metrics(with_intervals(systems, n),
                   caption=f"{n} items; accuracy with its 95 % Wilson interval. {caption}".strip())


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
        predicted, true = int(probabilities[row].argmax()), int(labels[row])
        said = f"{names[predicted]} ({probabilities[row, predicted]:.0%})"
        examples.append(Example(image, f"{text} → {said}" if text else said,
                                (f"true: {names[true]} ({probabilities[row, true]:.1%})",), right=False))
    wrong = int((probabilities.argmax(1) != labels).sum())
    report.gallery(examples,
                   caption=f"{len(rows)} of {wrong} errors, those first whose true class was thought least likely.")
