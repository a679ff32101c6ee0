"""Speech emotion: a recording and its words → what the speaker feels (article 2.2).

Without --data it learns sarcasm from the embedded voice: words of praise or blame, a warm or a flat tone, and whoever
praises flatly or blames warmly is sarcastic. That is their exclusive or: neither alone tells anything. With --data DIR
it reads the Berlin database of emotional speech (03a01Fa.wav) or RAVDESS (03-01-06-01-02-01-12.wav), whose few
sentences everybody says in every emotion, so that words tell nothing. Tests are on new speakers and sentences.
"""

from pathlib import Path

import numpy as np

from .. import functional as F
from .. import nn
from ..data import WordTokenizer, pad_batch
from ..data.speech import (emotion_parts, leave_one_speaker_out, oracle_limit, prosody_frames,
                           read_emodb, read_ravdess, read_wave, split_speech)
from ..encoders import AudioRecurrent, BagOfWords, Encoded
from ..encoders.encoded import zero_hidden
from ..encoders.over_time import mean_over_time
from ..metrics import confusion_matrix
from ..training import Selection
from ..viz import spectrogram_image
from .shared import Plan, recipe, require
from .shared.answering import FUSED, Examples, add_ablation, answer, fused, fused_config, probabilities
from .shared.baselines import logistic_regression
from .shared.checkpoints import checked_config
from .shared.classification import add_classes, add_worst_errors, answers, scored
from .shared.fusions import chosen
from .shared.inside import Picture, Sentence, add_inside
from .shared.several import Outcome, compare
from .shared.sounds import BANDS, RATE, Variation, padded, spectrogram, voice_statistics
from .shared.speakers import leave_each_out

__all__ = ["INPUTS", "build", "encoders", "predict", "run"]

INPUTS = ("text", "audio")
TOKENIZERS = {"word": WordTokenizer}
CLIPS = {"train": 2400, "val": 240, "test": 480}  # of the embedded voice
SPEAKERS = {"train": 60, "val": 6, "test": 12}
TONE = 3  # numbers a frame beside the mel bands: pitch, whether it is clear, energy
VOICE = {"plan": Plan(batch_size=32, steps=1500, peak_rate=4e-3, weight_decay=0.01, warmup=0.05,
                      select=Selection("val/accuracy")),
         "hears": "tone", "width": 48, "dropout": 0.0, "variation": None}  # what is said it reads
ACTED = {"plan": Plan(batch_size=16, steps=500, peak_rate=2e-3, weight_decay=0.1, warmup=0.15),
         "hears": "both", "width": 96, "dropout": 0.4, "variation": Variation(speed=1.1, tempo=1.15, snr=(10.0, 40.0))}
PARAMETERS = 60_000  # parameters of the fusion and the scores


@recipe
def run(run, fusion="mlb", leave_out=None, split="both", modulate=False):
    """Train a classifier of emotions, test it beside its baselines, write the output folder.

    Parameters
    ----------
    fusion : str
        How words and voice meet: mlb, gated-unit, attention…; all: each in turn.
    leave_out : str, optional
        With --data: test on all recordings of this speaker, learn from the others; all: of each in turn.
    split : {"both", "speaker", "sentence", "random"}
        With --data: what is new in the test; at random it leaks, since everybody says the same sentences.
    modulate : bool
        Slow the modality that learns faster, by gradient modulation.
    """
    require(leave_out is None or run.data, "--leave-out",
            "needs --data; every speaker of the embedded voice is new in the test anyway", leave_out)
    require(split == "both" or run.data, "--split", "needs --data; in the embedded test all is new", split)
    names = chosen(fusion)
    require(len(names) == 1 or leave_out is None, "--fusion", "all goes without --leave-out", leave_out)
    if fusion == "all":
        return compare(run, "fusion", names, lambda run: _one(run, run.options["fusion"], None, split, modulate),
                       "Speech emotion: every fusion", "As many parameters and steps for each.")
    if leave_out == "all":
        data = _read(run.data)
        return leave_each_out(run, sorted(set(data.speakers)), lambda run: _one(
            run, fusion, run.options["leave_out"], split, modulate), data.names)
    return _one(run, fusion, leave_out, split, modulate).metrics


def _one(run, fusion, leave_out, split, modulate):
    """One training and test: Outcome."""
    run.say(f"reading {run.data} ..." if run.data else "synthesising the embedded voice ...")
    parts, notes = _parts(run, leave_out, split)
    setting = ACTED if run.data else VOICE
    run.begin(run.data or "the embedded voice", parts, notes)
    words = WordTokenizer.fit(parts["train"].transcripts)
    names = parts["train"].names
    examples = {name: _examples(part, words, setting["variation"] if name == "train" else None)
                for name, part in parts.items()}

    config = {name: setting[name] for name in ("hears", "width", "dropout")}
    config |= {"vocabulary": len(words), "channels": [8, 16, 16]}
    config |= fused_config(fusion, encoders(config, run.rng(0)), PARAMETERS, len(names), setting["dropout"])
    answered = answer(run, config, encoders, examples, setting["plan"], names, items="clips", tokenizer=words,
                      modulate=modulate)
    results, test = answered.results[0], parts["test"]
    simple = {"logistic regression": _by_statistics(parts["train"], test, len(names))}
    results.systems.update(scored(simple, test.labels))

    report = run.report(f"Speech emotion, fused by {fusion}", f"Trained on {len(parts['train'])} clips")
    results.add_to(report, "Test: new speakers", "Text only, audio only: models of one modality, trained alone by the "
                   "same plan; product: of these two; logistic regression: on log-mel and pitch statistics.")
    limit = oracle_limit(test.transcripts, test.labels)
    report.text(f"Whoever knows the words alone, and the answers of the test, is right on {limit:.3f} of these clips "
                "at most: the share of the commonest emotion of each sentence.")
    add_ablation(report, answered)
    p = answered.p["test"]
    sounds = test.load(np.arange(len(test)))

    def views(i):
        told = [words.words[k] for k in words.encode(test.transcripts[i])]
        return (f"“{test.transcripts[i]}”, {names[test.labels[i]]}, taken for {names[p[i].argmax()]}.",
                {"text": Sentence(told), "audio": Picture(spectrogram_image(spectrogram(sounds[i])))})

    more = answered.more | add_inside(report, run, answered, examples, views)
    add_classes(report, p.argmax(1), test.labels, names)
    add_worst_errors(report, p, test.labels, names, lambda i: (spectrogram_image(spectrogram(sounds[i])),
                                                               f"{test.speakers[i]}: {test.transcripts[i]}"))
    more |= {"ceiling/text_only/accuracy": limit}
    return Outcome(run.finish(report, [results], more), results,
                   confusion_matrix(p.argmax(1), test.labels, len(names)))


# The data ---------------------------------------------------------------------------------------------------------


def _parts(run, leave_out, split):
    """Parts of speech, and notes."""
    if not run.data:
        return emotion_parts(run.rng(1), CLIPS, SPEAKERS), {}
    data = _read(run.data)
    if leave_out is None:
        return split_speech(data, run.rng(1), split)
    require(leave_out in data.speakers, "--leave-out", f"is all or one of {', '.join(sorted(set(data.speakers)))}",
            leave_out)
    parts = dict(leave_one_speaker_out(data, run.rng(1)))[leave_out]
    return parts, {**data.notes, "split": f"all recordings of {leave_out} are tested on"}


def _read(directory):
    """EmoDB or RAVDESS, told by the names of the files."""
    names = [path.name for path in [*Path(directory).glob("*.wav"), *Path(directory).glob("Actor_*")]]
    is_ravdess = any(name.startswith("Actor_") or name.count("-") == 6 for name in names)
    return (read_ravdess if is_ravdess else read_emodb)(directory, RATE)


def _examples(part, words, variation):
    """Words and voice of a part; voices are varied in training."""
    sounds = part.load(np.arange(len(part)))
    tones = [prosody_frames(sound, RATE) for sound in sounds]
    ids = [words.encode(text) for text in part.transcripts]
    still = None if variation else [_heard(spectrogram(sound), tone) for sound, tone in zip(sounds, tones)]

    def inputs(rows, rng):
        clips = [still[i] if still else _heard(variation(sounds[i], rng), tones[i]) for i in rows]
        text, text_mask = pad_batch([ids[i] for i in rows])
        x, mask = padded(clips)
        return (text, x), (text_mask, mask)

    return Examples(inputs, part.labels)


def _heard(x, tone):
    """A spectrogram (T, F) and beside it, frame by frame, pitch and energy: float32 (T, F + 3)."""
    place = np.linspace(0, len(tone) - 1, len(x)).round().astype(int)      # a varied clip may be faster or slower
    return np.concatenate([x, tone[place]], 1)


def _by_statistics(train, test, classes):
    """The simple way: logistic regression on statistics of the spectrogram, of pitch and of energy."""
    known, new = (np.array([voice_statistics(sound) for sound in part.load(np.arange(len(part)))])
                  for part in (train, test))
    mean, scale = known.mean(0), known.std(0) + 1e-6
    return logistic_regression((known - mean) / scale, train.labels, (new - mean) / scale, classes, penalty=3e-2)


# The model --------------------------------------------------------------------------------------------------------


class _Tone(nn.Module):
    """How something is said: a recurrent network over pitch and energy, every second frame."""

    def __init__(self, width, rng):
        self.recurrent = nn.GRU(TONE, width // 2, bidirectional=True, rng=rng)
        self.width = self.pooled_width = width

    def forward(self, x, mask=None, stride=2):
        """x (B, T, BANDS + TONE), mask (B, T) to `Encoded`: (B, ⌈T/2⌉, D) and its mean."""
        mask = None if mask is None else mask[:, ::stride]
        sequence = zero_hidden(self.recurrent(x[:, ::stride, BANDS:], mask=mask)[0], mask)
        return Encoded(sequence, mean_over_time(sequence, mask), mask)


class _Voice(nn.Module):
    """Timbre from a log-mel spectrogram, and beside it the tone."""

    def __init__(self, width, channels, dropout, rng):
        self.timbre = AudioRecurrent(BANDS, width, channels, halvings=2, layers=1, dropout=dropout, rng=rng)
        self.tone = _Tone(width, rng)
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.width = self.pooled_width = 2 * width

    def forward(self, x, mask=None):
        """x (B, T, BANDS + TONE), mask (B, T) to `Encoded`: both side by side, (B, ⌈T/4⌉, 2 D), and their means."""
        timbre, tone = self.timbre(x[..., :BANDS], mask), self.tone(x, mask, stride=4)      # as many frames
        sequence = F.concatenate([timbre.sequence, self.dropout(tone.sequence)], -1)
        return Encoded(sequence, mean_over_time(sequence, timbre.mask), timbre.mask)


def encoders(config, rng):
    """What reads each modality."""
    return {"text": BagOfWords(config["vocabulary"], config["width"], config["dropout"], rng=rng),
            "audio": _Tone(config["width"], rng) if config["hears"] == "tone" else
            _Voice(config["width"], config["channels"], config["dropout"], rng)}


def build(config, rng):
    """The classifier of a config, its weights drawn from `rng`."""
    checked_config(config, vocabulary=int, hears=("tone", "both"), width=int, channels=[int], **FUSED)
    return fused(config, encoders(config, rng), rng)


def predict(loaded, items):
    """The emotion of each recording and its words."""
    sounds = [read_wave(item["audio"], RATE).samples for item in items]
    clips = [_heard(spectrogram(sound), prosody_frames(sound, RATE)) for sound in sounds]
    ids = [loaded.tokenizer.encode(item["text"]) for item in items]

    def inputs(rows, rng):
        text, text_mask = pad_batch([ids[i] for i in rows])
        x, mask = padded([clips[i] for i in rows])
        return (text, x), (text_mask, mask)

    return answers(probabilities(loaded.model, Examples(inputs, np.zeros(len(items), int))), loaded.classes)
