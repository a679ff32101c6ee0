"""The report of a speech run: numbers beside baselines, errors, where the digits were heard,
how clips are varied, curves."""

import numpy as np

from ...data.speech import WORDS
from ...metrics import edit_alignment, edit_distance
from ...viz import Example, Report, spectrogram_image
from ..classification import add_classes, add_worst_errors
from ..results import OURS
from .decoding import posterior
from .evaluate import with_intervals
from .features import spectrogram, varied

__all__ = ["write_report"]

BLANK_SIGN = "–"
CAPTIONS = {
    True: "accuracy with its 95 % Wilson interval. majority: the commonest digit; logistic regression: on the "
          "spectrogram's outline, its mean over eight stretches of time; shuffled audio: the same model, hearing other "
          "clips.",
    False: "edits over digits, its interval by resampling the strings; the share of strings with any error, with its "
           "Wilson interval. commonest digit: whatever was said; equal cuts: told how many digits there are, "
           "each of as many equal pieces by logistic regression; shuffled audio: the same model, hearing other clips.",
}


def write_report(folder, task, outcome, log, config):
    """Write `report.html` into the run's folder."""
    what = "Single digits" if outcome.isolated else "Connected digits by CTC"
    report = Report(f"Speech recognition: {what[0].lower()}{what[1:]}",
                    f"Data: {task.name}. Trained on {len(task.parts['train'])} clips; "
                    "tested once, on clips never heard.")
    report.heading("Test")
    report.metrics(with_intervals(outcome), outcome.lower_is_better,
                   caption=f"{len(outcome.part)} clips; {CAPTIONS[outcome.isolated]}")
    if outcome.isolated:
        _isolated(report, outcome)
    else:
        _connected(report, outcome)
    report.heading("How a clip varies in training")
    _variations(report, task)
    report.heading("Training")
    report.curves([row for row in log if row["kind"] == "epoch"], x="epoch")
    report.heading("Configuration")
    report.config(config)
    report.save(folder.report)


def _isolated(report, outcome):
    add_classes(report, outcome.classes(), outcome.labels, WORDS)
    add_worst_errors(report, outcome.probabilities, outcome.labels, WORDS, lambda i: (
        spectrogram_image(spectrogram(outcome.part.sounds[i])), f"{outcome.part.speakers[i]}"))


def _connected(report, outcome):
    said, digits = outcome.said[OURS], outcome.part.digits
    wrong = sorted((i for i in range(len(digits)) if said[i] != digits[i]),
                   key=lambda i: -edit_distance(said[i], digits[i]))
    report.heading("The worst errors")
    if wrong:
        report.table([[outcome.part.speakers[i], _written(digits[i]), _written(said[i]), _aligned(said[i], digits[i])]
                      for i in wrong[:20]],
                     ["speaker", "said", "heard", "alignment"], caption=(
            f"{min(20, len(wrong))} of {len(wrong)} strings with errors, those with the most edits first. "
            "5→9: heard as another; −5: missed; +5: heard where there was none."))
    else:
        report.text("None: every string was heard right.")
    report.heading("Where the digits were heard")
    report.text("Each digit that was said has a lane, the first at the bottom, with a lane for the blank before, "
                "between and after. The heat is α·β: how likely the true string, wherever it is aligned, is at that "
                "lane at that time.")
    right = [i for i in range(len(digits)) if said[i] == digits[i]]
    for i in right[:3] + wrong[:3]:
        lanes = [BLANK_SIGN, *(sign for d in digits[i] for sign in (WORDS[d], BLANK_SIGN))]
        heard = "heard right" if said[i] == digits[i] else f"heard as {_written(said[i])}"
        report.alignment(spectrogram(outcome.part.sounds[i]), lanes, posterior(outcome.scores[i], digits[i]),
                         caption=f"{_written(digits[i])}, said by {outcome.part.speakers[i]}, {heard}.")


def _written(digits):
    return " ".join(map(str, digits)) or "(nothing)"


def _aligned(heard, said):
    """The edits that turn what was said into what was heard, in one line: 5→9, −5, +5."""
    signs = {"match": "{0}", "substitute": "{0}→{1}", "delete": "−{0}", "insert": "+{1}"}
    return " ".join(signs[kind].format(true, found) for kind, true, found in edit_alignment(heard, said))


def _variations(report, task):
    """One training clip as it is, and as three epochs saw it."""
    sounds, digits = task.draw(np.arange(1), np.random.default_rng(0))
    rng = np.random.default_rng(1)
    pictures = [("as it is", spectrogram(sounds[0])),
                *((f"varied, {k}", varied(sounds[0], task.setting.variation, rng)) for k in (1, 2, 3))]
    report.gallery([Example(spectrogram_image(x), name) for name, x in pictures], caption=(
        f"{_written(digits[0])}: speed (pitch and formants), tempo, noise, loudness, and parts hidden by SpecAugment."))
