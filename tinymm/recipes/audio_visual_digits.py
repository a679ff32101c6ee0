"""Audio-visual digits: a digit said and pictured, either side noisy or missing, → which digit (article 1.1, 2.4).

Without --data it learns from the embedded voice and from drawn digits. With --data DIR it reads recordings
digit_speaker_take.wav, as the Free Spoken Digit Dataset has them, and with --images DIR pictures in the IDX files of
MNIST. Clips and pictures are paired anew in every epoch; given the digit the two are independent, so no model can do
better than the product of two perfect single ones.
"""

import numpy as np

from ..data import degraded, draw_digit_pairs, read_digit_pairs
from ..data.images import fit_components, read_image
from ..data.speech import read_wave
from ..encoders import AudioRecurrent, ConvEncoder
from ..metrics import accuracy
from ..training import Selection
from ..viz import spectrogram_image
from .shared import Plan, recipe, require
from .shared.answering import FUSED, Examples, add_ablation, answer, fused, fused_config, probabilities
from .shared.checkpoints import checked_config
from .shared.classification import add_classes, add_worst_errors, answers
from .shared.fusions import chosen
from .shared.inside import Picture, add_inside
from .shared.several import Outcome, compare
from .shared.sounds import BANDS, RATE, padded, spectrogram

__all__ = ["INPUTS", "build", "encoders", "predict", "run"]

INPUTS = ("audio", "image")
SIDE = 32  # pixels; pictures are framed to it
NAMES = [str(digit) for digit in range(10)]
PLAN = Plan(batch_size=32, steps=1500, peak_rate=2e-3, weight_decay=0.05, warmup=0.15,
            select=Selection("val/accuracy"))
PARAMETERS = 60_000  # parameters of the fusion and the scores
ALONE = 1.0  # weight of the answers from one side alone: without it the better side leaves the other nothing to learn
CLIPS = {"train": 2000, "val": 200, "test": 1000}  # of the embedded voice
PICTURES = {"train": 3000, "val": 300, "test": 1000}  # that are drawn
SNRS = (None, 10.0, 0.0, -10.0)  # decibels; None: as recorded
KEPT = (None, 16, 4, 2)  # principal components of a picture that are kept; None: all of it
HARD = -10.0, 4  # of "test/noisy"


@recipe
def run(run, images=None, fusion="weighted", modulate=False):
    """Train a classifier of digits seen and heard, test it beside its baselines at every severity of noise.

    Parameters
    ----------
    images : path, optional
        With --data: a folder of pictures, in the layout of MNIST.
    fusion : str
        How sound and picture meet: weighted (decisions), gated-unit, attention…; some with commas between, or
        all: each in turn.
    modulate : bool
        Slow the modality that learns faster, by gradient modulation.
    """
    require((run.data is None) == (images is None), "--images", "and --data must be given together",
            "--images alone" if run.data is None else "--data alone")
    names = chosen(fusion)
    if len(names) > 1:
        return compare(
            run, "fusion", names, lambda run: _one(run, images, run.options["fusion"], modulate,
                                                   controls=run.options["fusion"] == names[0]),
            "Audio-visual digits: every fusion",
            "As many parameters and steps for each; the controls are trained once.")
    return _one(run, images, fusion, modulate).metrics


def _one(run, images, fusion, modulate, controls=True):
    """One training and test: Outcome."""
    run.say("drawing and saying digits ..." if run.data is None else f"reading {run.data} and {images} ...")
    pairs, notes = (draw_digit_pairs(run.rng(1), CLIPS, PICTURES), {}) if run.data is None else \
        read_digit_pairs(run.data, images, run.rng(1), RATE)
    run.begin(f"{run.data} and {images}" if run.data else "the embedded voice and drawn digits", pairs, notes)
    components = _components(pairs["train"].pictures)
    parts = {"train": _varied(pairs["train"], components),
             "val": _mixed(pairs["val"], components, run.rng(2)),
             "test": _fixed(pairs["test"], None, None, components, run.rng(3)),
             "test/noisy": _fixed(pairs["test"], *HARD, components, run.rng(3))}
    for name, present in (("test/audio_missing", (False, True)), ("test/image_missing", (True, False))):
        parts[name] = Examples(parts["test"].inputs, parts["test"].labels, np.tile(present, (len(parts["test"]), 1)))

    config = {"size": SIDE, "width": 96, "channels": [8, 16, 16], "widths": [[16], [32], [64]], "dropout": 0.1}
    config |= fused_config(fusion, encoders(config, run.rng(0)), PARAMETERS, len(NAMES), 0.1)
    answered = answer(run, config, encoders, parts, PLAN, NAMES, items="pairs", modulate=modulate,
                      controls=controls, alone=ALONE)

    results = answered.results
    report = run.report(f"Digits seen and heard, fused by {fusion}", f"Trained on {len(parts['train'])} clips")
    titles = {"test": "Test: both sides clean", "test/noisy": f"Test: {HARD[0]:.0f} dB, {HARD[1]} principal components",
              "test/audio_missing": "Test: no clip", "test/image_missing": "Test: no picture"}
    for found in results:
        found.add_to(report, titles[found.part], "Audio only, image only: models of one modality, trained alone by the "
                     "same plan; product: p(k | clip) p(k | picture), normalised, of these two.")
    more = answered.more | _severities(run, report, answered.model, pairs["test"], components)
    add_ablation(report, answered)
    more |= add_inside(report, run, answered, parts, lambda i: _views(answered, parts["test"], i), "test/noisy")
    p, labels = answered.p["test/noisy"], parts["test/noisy"].labels
    add_classes(report, p.argmax(1), labels, NAMES)
    add_worst_errors(report, p, labels, NAMES, lambda i: _shown(parts["test/noisy"], i))
    return Outcome(run.finish(report, results, more), results[0])


# The data: severities of noise ------------------------------------------------------------------------------------


def _components(pictures):
    """Of the training pictures, by how many are kept: dict of int to PrincipalComponents."""
    pixels = pictures.load(np.arange(min(len(pictures), 5000)))
    return {kept: fit_components(pixels, kept) for kept in KEPT if kept is not None}


def _varied(pairs, components):
    """Training: new partners, and new noise, each time."""
    def inputs(rows, rng):
        pictures = pairs.pictures.load(pairs.partners(rows, rng))
        sounds, seen = [], np.empty_like(pictures)
        for i, row in enumerate(rows):
            snr = SNRS[rng.integers(len(SNRS))]
            kept = KEPT[rng.integers(len(KEPT))]
            sound, picture = degraded([pairs.sounds[row]], pictures[i:i + 1], rng, _near(snr, rng), "white",
                                      components.get(kept))
            sounds.append(spectrogram(sound[0]))
            seen[i] = picture[0]
        return _as_inputs(sounds, seen)

    return Examples(inputs, pairs.labels)


def _near(snr, rng):
    """A severity around one of those tested at."""
    return None if snr is None else snr + rng.uniform(-5.0, 5.0)


def _mixed(pairs, components, rng):
    """Validation: every severity, drawn once."""
    all_rows = np.arange(len(pairs))
    (sounds, pictures), (mask, _) = _varied(pairs, components).inputs(all_rows, rng)
    return Examples(lambda rows, _: ((sounds[rows], pictures[rows]), (mask[rows], None)), pairs.labels)


def _fixed(pairs, snr, kept, components, rng):
    """Test: one severity, partners drawn once."""
    pictures = pairs.pictures.load(pairs.partners(np.arange(len(pairs)), rng))
    sounds, pictures = degraded(pairs.sounds, pictures, rng, snr, "white", components.get(kept))
    sounds = [spectrogram(sound) for sound in sounds]
    return Examples(lambda rows, _: _as_inputs([sounds[i] for i in rows], pictures[rows]), pairs.labels)


def _as_inputs(sounds, pictures):
    """Spectrograms and pictures (n, 1, h, w) as the encoders take them, and their masks."""
    x, mask = padded(sounds)
    high, wide = (SIDE - side for side in pictures.shape[2:])
    frame = (0, 0), (0, 0), (high // 2, high - high // 2), (wide // 2, wide - wide // 2)
    return (x, np.pad(pictures, frame).astype(np.float32)), (mask, None)


# The model --------------------------------------------------------------------------------------------------------


def encoders(config, rng):
    """What reads each modality."""
    return {"audio": AudioRecurrent(BANDS, config["width"], channels=config["channels"], halvings=2, layers=1,
                                    dropout=config["dropout"], rng=rng),
            "image": ConvEncoder(config["widths"], config["size"], channels=1, rng=rng)}


def build(config, rng):
    """The classifier of a config, its weights drawn from `rng`."""
    checked_config(config, size=int, width=int, channels=[int], widths=[[int]], **FUSED)
    return fused(config, encoders(config, rng), rng)


def predict(loaded, items):
    """The digit of each recording and its picture."""
    sounds = [spectrogram(read_wave(item["audio"], RATE).samples) for item in items]
    pictures = np.stack([read_image(item["image"], (28, 28)).mean(0, keepdims=True) for item in items])
    examples = Examples(lambda rows, _: _as_inputs([sounds[i] for i in rows], pictures[rows]),
                        np.zeros(len(items), int))
    return answers(probabilities(loaded.model, examples), NAMES)


# The report -------------------------------------------------------------------------------------------------------


def _severities(run, report, model, pairs, components):
    """Add the accuracy at every severity of either side; metrics "severity/SNR/KEPT/accuracy"."""
    rows, more = [], {}
    for snr in SNRS:
        row = ["as recorded" if snr is None else f"{snr:.0f} dB"]
        for kept in KEPT:
            examples = _fixed(pairs, snr, kept, components, run.rng(3))
            row.append(accuracy(probabilities(model, examples).argmax(1), examples.labels))
            more[f"severity/{'clean' if snr is None else f'{snr:.0f}dB'}/{kept or 'all'}/accuracy"] = row[-1]
        rows.append(row)
    report.heading("Severity by severity")
    report.table(rows, ["clip", *("whole picture" if kept is None else f"{kept} components" for kept in KEPT)],
                 caption="Accuracy on the test pairs; noise is white, in decibels below the clip's power.")
    return more


def _views(answered, examples, i):
    """For `add_inside`: example i as a spectrogram and a picture."""
    (sounds, _), _ = examples.inputs(np.array([i]), None)
    title = f"{NAMES[examples.labels[i]]}, taken for {NAMES[answered.p['test'][i].argmax()]}."
    return title, {"audio": Picture(spectrogram_image(sounds[0])),
                   "image": Picture(_shown(examples, i)[0], answered.model.encoders["image"].grid)}


def _shown(examples, i):
    (sounds, pictures), (mask, _) = examples.inputs(np.array([i]), None)
    return np.repeat(np.clip(pictures[0], 0, 1), 3, 0), ""
