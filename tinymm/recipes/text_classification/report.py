"""The report of a text classification: systems beside baselines, confusions, worst errors,
words that mattered, curves."""

import numpy as np

from ...viz import Report
from ..classification import add_classes, add_results, add_worst_errors, worst_errors
from ..results import OURS
from .explain import explain

__all__ = ["by_kind", "write_report"]

EXPLAINED = 4  # texts of each sort whose words are coloured


def write_report(folder, task, model, tokenizer, said, p, results, log, config):
    """Write `report.html` into the run's folder.

    Parameters
    ----------
    folder : RunFolder
    task : Task
    model : Ensemble
    tokenizer
        Of one of the classes in `TOKENIZERS`.
    said : dict of str to int array
        Each system's classes of the test texts, ours first.
    p : float array (N, K)
        Our probabilities.
    results : dict
        As of `evaluate`.
    log : list of dict
    config : dict
    """
    test, predicted = task.parts["test"], said[OURS]
    report = Report("Text classification", f"Data: {task.name}. Trained on {len(task.parts['train'])} texts of "
                    f"{len(task.classes)} classes; tested once, on texts never seen.")
    add_results(report, "Test: unseen texts", results, len(test), _verdict(results))
    if task.kinds is not None:
        _add_kinds(report, task, said)
    add_classes(report, predicted, test.labels, task.classes)
    add_worst_errors(report, p, test.labels, task.classes, lambda row: (None, test.texts[row]))
    _add_words(report, model, tokenizer, test, p)
    report.heading("Training")
    report.curves([row for row in log if row["kind"] == "epoch"], x="epoch")
    report.heading("Configuration")
    report.config(config)
    report.save(folder.report)


def by_kind(said, labels, kinds):
    """Accuracy by kind of sentence: dict of system to dict of kind to float."""
    return {system: {str(kind): float((classes == labels)[kinds == kind].mean()) for kind in np.unique(kinds)}
            for system, classes in said.items()}


def _verdict(results):
    """Who wins, in a sentence: a baseline that does is named."""
    best = max((name for name in results if name != OURS), key=lambda name: results[name]["accuracy"])
    ours, theirs = results[OURS]["accuracy"], results[best]["accuracy"]
    if theirs > ours:
        return f"The best is a baseline: {best}, {theirs - ours:.3f} above the classifier trained here."
    return f"The classifier trained here is {ours - theirs:.3f} above the best baseline, {best}."


def _add_kinds(report, task, said):
    report.heading("By kind of sentence")
    found = by_kind(said, task.parts["test"].labels, task.kinds)
    kinds = list(next(iter(found.values())))
    counts = ", ".join(f"{(task.kinds == kind).sum()} {kind}" for kind in kinds)
    report.table([(system, *scores.values()) for system, scores in found.items()], ["system", *kinds], caption=(
        f"Accuracy on {counts}. Of the sentences that are not plain the words alone leave the verdict open: "
        f"any classifier of bags of words gets half of them, whatever it learned, and so {task.limit:.3f} of all."))


def _add_words(report, model, tokenizer, test, p):
    """Right answers from all over the test part, and the worst errors; the words of each, coloured."""
    report.heading("Which words it hangs on")
    right = np.flatnonzero(p.argmax(1) == test.labels)
    rows = [*right[np.linspace(0, len(right) - 1, min(EXPLAINED, len(right))).astype(int)],
            *worst_errors(p, test.labels, EXPLAINED)]
    lines = []
    for row in rows:
        words, shares = explain(model, tokenizer, test.texts[row])
        said, true = test.classes[p[row].argmax()], test.classes[test.labels[row]]
        verdict = f"{said}, right" if said == true else f"{said}, wrong: it is {true}"
        lines += [(f"{verdict}; {method}", words, share) for method, share in shares.items() if words]
    report.words(lines, caption=(
        "Orange speaks for the predicted class, blue against it. Gradient × input: how the score would change "
        "if a word's vector grew a little. Integrated gradients: shares of what all words together add to the score "
        "of an empty text."))
