"""The report of a captioning run: numbers beside baselines, curves, captions right and wrong,
where the model looked."""

import numpy as np

from ...data.texts.tokenizer import BOS, EOS
from ...viz import Example, Report
from ..results import OURS, with_intervals
from .evaluate import right, shown
from .model import words_and_maps

__all__ = ["write_report"]


def write_report(folder, task, captioner, tokenizer, results, log, config):
    """Write `report.html` into the run's folder."""
    report = Report("Image captioning with attention fusion",
                    f"Data: {task.name}. Trained on {len(task.parts['train'])} images; "
                    "tested once, on images never seen.")
    for name, systems in results.items():
        part = task.parts[name]
        report.heading(
            {"test": "Test: unseen images", "test/held_out": "Test: combinations never seen together"}.get(name, name))
        report.metrics(with_intervals(shown(systems), len(part), ("truth_accuracy", "exact_match")), caption=(
            f"{len(part)} images; shares with 95 % Wilson intervals. modal caption: the commonest training caption; "
            "nearest neighbour: the caption of the closest training image by pixels; shuffled images: the same model, "
            "shown other images."))
        _gallery(report, part, systems[OURS]["captions"])
    report.heading("Where the model looked")
    report.text("For each word, the attention weights over the image regions (mean over heads) "
                "from which it was predicted.")
    name, part = next(iter(task.tests.items()))
    for i in _spread(len(part), 4):
        _attention(report, captioner, tokenizer, part.images(np.array([i]))[0], results[name][OURS]["captions"][i])
    report.heading("Training")
    report.curves([row for row in log if row["kind"] == "epoch"], x="epoch")
    report.heading("Configuration")
    report.config(config)
    report.save(folder.report)


def _gallery(report, part, captions):
    """The first captions that are right and the first that are wrong."""
    verdicts = [right(c, part.captions[i], part.scenes and part.scenes[i]) for i, c in enumerate(captions)]
    for wanted, title in ((True, "right"), (False, "wrong")):
        chosen = [i for i, v in enumerate(verdicts) if v is wanted][:8]
        if chosen:
            images = part.images(np.array(chosen))
            report.gallery([Example(image, captions[i], tuple(part.captions[i][:2]), wanted)
                            for image, i in zip(images, chosen)],
                           caption=f"The first {len(chosen)} of {sum(v is wanted for v in verdicts)} {title} captions.")


def _attention(report, captioner, tokenizer, image, caption):
    ids = [i for i in tokenizer.encode(caption) if i not in (BOS, EOS)]
    if ids:
        words, maps = words_and_maps(captioner, tokenizer, image, ids)
        report.attention(image, words, maps, caption=caption)


def _spread(n, count):
    """`count` positions spread over n."""
    return sorted({int(i) for i in np.linspace(0, n - 1, min(n, count))})
