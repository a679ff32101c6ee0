"""Speech emotion: a recording and its words → what the speaker feels (article 2.2).

Without --data it learns sarcasm from the embedded voice: words of praise or blame, a warm or a flat tone, and whoever
praises flatly or blames warmly is sarcastic. That is their exclusive or: neither alone tells anything. With --data DIR
it reads the Berlin database of emotional speech (03a01Fa.wav) or RAVDESS (03-01-06-01-02-01-12.wav), whose few
sentences everybody says in every emotion, so that words tell nothing. Tests are on new speakers and sentences. Of
such recordings, which are few, it reads statistics of the whole clip; --encoder frames reads them frame by frame.
"""

import math
from pathlib import Path

import numpy as np

from .. import functional as F
from .. import nn
from ..data import WordTokenizer, pad_batch
from ..data.speech import (add_noise, change_speed, emotion_parts, leave_one_speaker_out, oracle_limit, prosody_frames,
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
from .shared.sounds import BANDS, RATE, Variation, padded, spectrogram, voice_statistics, wide_statistics
from .shared.speakers import leave_each_out

__all__ = ["INPUTS", "build", "encoders", "predict", "run"]

INPUTS = ("text", "audio")
TOKENIZERS = {"word": WordTokenizer}
CLIPS = {"train": 2400, "val": 240, "test": 480}  # of the embedded voice
SPEAKERS = {"train": 60, "val": 6, "test": 12}
TONE = 3  # numbers a frame beside the mel bands: pitch, whether it is clear, energy
VOICE = {"fusion": "mlb",
         "plan": Plan(batch_size=32, steps=1500, peak_rate=4e-3, weight_decay=0.01, warmup=0.05,
                      select=Selection("val/accuracy")),
         "hears": "tone", "width": 48, "dropout": 0.0, "variation": None}  # what is said it reads
ACTED = {  # by what of the voice is read
    "statistics": {"fusion": "weighted", "hears": "statistics", "width": 64, "dropout": 0.5, "variation": None,
                   "plan": Plan(batch_size=32, steps=400, peak_rate=2e-3, weight_decay=1.0, replicas=1)},
    "frames": {"fusion": "mlb", "hears": "both", "width": 96, "dropout": 0.4,
               "variation": Variation(speed=1.1, tempo=1.15, snr=(10.0, 40.0)),
               "plan": Plan(batch_size=16, steps=500, peak_rate=2e-3, weight_decay=0.1, warmup=0.15)},
}
STATISTICS = 298  # numbers of `wide_statistics`
COPIES, SPEED, SNR = 4, 1.15, (15.0, 40.0)  # varied copies of a training clip: as if a larger or smaller person spoke
PARAMETERS = 60_000  # parameters of the fusion and the scores


@recipe
def run(run, fusion=None, leave_out=None, split="both", encoder="statistics", modulate=False):
    """Train a classifier of emotions, test it beside its baselines, write the output folder.

    Parameters
    ----------
    fusion : str, optional
        How words and voice meet: mlb, gated-unit, attention…; some with commas between, or all: each in turn; by
        default mlb, with --data weighted.
    leave_out : str, optional
        With --data: test on all recordings of this speaker, learn from the others; all: of each in turn.
    split : {"both", "speaker", "sentence", "random"}
        With --data: what is new in the test; at random it leaks, since everybody says the same sentences.
    encoder : {"statistics", "frames"}
        With --data: what of the voice is read, statistics of the whole clip, or the spectrogram, pitch and energy.
    modulate : bool
        Slow the modality that learns faster, by gradient modulation.
    """
    require(leave_out is None or run.data, "--leave-out",
            "needs --data; every speaker of the embedded voice is new in the test anyway", leave_out)
    require(split == "both" or run.data, "--split", "needs --data; in the embedded test all is new", split)
    require(encoder == "statistics" or run.data, "--encoder", "needs --data; the embedded voice is read by its tone",
            encoder)
    setting = ACTED[encoder] if run.data else VOICE
    fusion = setting["fusion"] if fusion is None else fusion
    names = chosen(fusion)
    require(len(names) == 1 or leave_out is None, "--fusion", "must be a single one with --leave-out", fusion)
    if len(names) > 1:
        return compare(
            run, "fusion", names, lambda run: _one(run, setting, run.options["fusion"], None, split, modulate,
                                                   controls=run.options["fusion"] == names[0]),
            "Speech emotion: every fusion",
            "As many parameters and steps for each; the controls are trained once.")
    if leave_out == "all":
        data = _read(run.data)
        return leave_each_out(run, sorted(set(data.speakers)), lambda run: _one(
            run, setting, fusion, run.options["leave_out"], split, modulate), data.names)
    return _one(run, setting, fusion, leave_out, split, modulate).metrics


def _one(run, setting, fusion, leave_out, split, modulate, controls=True):
    """One training and test: Outcome."""
    run.say(f"reading {run.data} ..." if run.data else "synthesising the embedded voice ...")
    parts, notes = _parts(run, leave_out, split)
    run.begin(run.data or "the embedded voice", parts, notes)
    words = WordTokenizer.fit(parts["train"].transcripts)
    names, test = parts["train"].names, parts["test"]
    examples = {name: _examples(part, words, setting, run.rng(8) if name == "train" else None)
                for name, part in parts.items()}
    fitted = _standardised(examples["train"]) if setting["hears"] == "statistics" else encoders

    config = {name: setting[name] for name in ("hears", "width", "dropout")}
    config |= {"vocabulary": len(words), "channels": [8, 16, 16]}
    config |= fused_config(fusion, encoders(config, run.rng(0)), PARAMETERS, len(names), setting["dropout"])
    answered = answer(run, config, fitted, examples, setting["plan"], names, items="clips", tokenizer=words,
                      modulate=modulate, controls=controls)
    results = answered.results[0]
    results.systems.update(scored(_by_statistics(parts, examples, setting["hears"]), test.labels))

    report = run.report(f"Speech emotion, fused by {fusion}", f"Trained on {len(parts['train'])} clips")
    results.add_to(report, "Test: new speakers", "Text only, audio only: models of one modality, trained alone by the "
                   "same plan; product: of these two; logistic regression: on log-mel and pitch statistics; wide: on "
                   "all statistics that the voice's encoder is given.")
    limit = oracle_limit(test.transcripts, test.labels)
    _add_words(report, limit, len(set(test.transcripts)) if run.data else None)
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


def _add_words(report, limit, sentences):
    """What words can tell of the test; of acted speech, how many sentences there are."""
    report.text(f"Whoever knows the words alone, and the answers of the test, is right on {limit:.3f} of these clips "
                "at most: the share of the commonest emotion of each sentence.")
    if sentences:
        report.text(f"Text is worthless here. The {sentences} sentences of the test are neutral, and speakers say the "
                    "same ones in every emotion. What text only gets right is chance, or how often a sentence was "
                    "recorded in an emotion.")


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


def _examples(part, words, setting, rng=None):
    """Words and voice of a part; with a Generator, in training, voices are varied."""
    sounds = part.load(np.arange(len(part)))
    ids = [words.encode(text) for text in part.transcripts]
    still = [_heard(sound, setting["hears"]) for sound in sounds]
    varied = _variations(sounds, still, setting, rng) if rng is not None else None

    def inputs(rows, rng):
        clips = [still[i] if varied is None or rng is None else varied(i, rng) for i in rows]
        text, text_mask = pad_batch([ids[i] for i in rows])
        x, mask = padded(clips)
        return (text, x), (text_mask, mask)

    return Examples(inputs, part.labels)


def _variations(sounds, still, setting, rng):
    """``varied(i, rng)``: what is heard of clip i in training, another each time; None where it is always the same."""
    if setting["hears"] == "statistics":
        copies = [still, *([_heard(_as_another(sound, rng), "statistics") for sound in sounds] for _ in range(COPIES))]
        return lambda i, rng: copies[rng.integers(len(copies))][i]
    if setting["variation"] is None:
        return None
    tones = [prosody_frames(sound, RATE) for sound in sounds]
    return lambda i, rng: _beside(setting["variation"](sounds[i], rng), tones[i])


def _as_another(sound, rng):
    """The same said by a larger or smaller person, in some noise."""
    speed = math.exp(rng.uniform(-math.log(SPEED), math.log(SPEED)))
    return add_noise(change_speed(sound, speed), rng.uniform(*SNR), rng)


def _heard(sound, hears):
    """What an encoder is given of samples: the statistics (1, STATISTICS), or frames (T, BANDS + TONE)."""
    if hears == "statistics":
        return wide_statistics(sound)[None]
    return _beside(spectrogram(sound), prosody_frames(sound, RATE))


def _beside(x, tone):
    """A spectrogram (T, F) and beside it, frame by frame, pitch and energy: float32 (T, F + 3)."""
    place = np.linspace(0, len(tone) - 1, len(x)).round().astype(int)      # a varied clip may be faster or slower
    return np.concatenate([x, tone[place]], 1)


def _by_statistics(parts, examples, hears):
    """The simple way: logistic regression on statistics of the spectrogram, of pitch and of energy."""
    known, new = (np.array([voice_statistics(sound) for sound in part.load(np.arange(len(part)))])
                  for part in (parts["train"], parts["test"]))
    found = {"logistic regression": _regression(known, new, parts, penalty=3e-2)}
    if hears == "statistics":
        known, new = (_statistics(examples[name]) for name in ("train", "test"))
        found["wide logistic regression"] = _regression(known, new, parts, penalty=0.1)
    return found


def _regression(known, new, parts, penalty):
    """Classes of the rows of `new`, the test, by logistic regression on those of `known`, standardised."""
    mean, scale = known.mean(0), known.std(0) + 1e-6
    return logistic_regression((known - mean) / scale, parts["train"].labels, (new - mean) / scale,
                               len(parts["train"].names), penalty=penalty)


def _statistics(examples):
    """Of every clip, as it is: (N, STATISTICS)."""
    return examples.inputs(np.arange(len(examples)), None)[0][1][:, 0]


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


class _Statistics(nn.Module):
    r"""One hidden layer over the statistics of a clip: $y = \operatorname{gelu}(W (x - \mu)/\sigma + b)$.

    μ and σ are those of the training clips, and saved with the weights.
    """

    def __init__(self, width, dropout, rng):
        self.register_buffer("mean", np.zeros(STATISTICS, np.float32))
        self.register_buffer("scale", np.ones(STATISTICS, np.float32))
        self.dropout = nn.Dropout(dropout / 2, rng=rng)
        self.linear = nn.Linear(STATISTICS, width, rng=rng)
        self.width = self.pooled_width = width

    def forward(self, x, mask=None):
        """x (B, 1, STATISTICS) to `Encoded`: the one feature (B, 1, D), and itself as the pooled one (B, D)."""
        sequence = zero_hidden(F.gelu(self.linear(self.dropout((x - self.mean) / self.scale))), mask)
        return Encoded(sequence, sequence[:, 0], mask)


def _standardised(train):
    """The function `encoders`, with the mean and the standard deviation of the training clips in the voice's."""
    known = _statistics(train)

    def fitted(config, rng):
        made = encoders(config, rng)
        made["audio"].mean[:], made["audio"].scale[:] = known.mean(0), known.std(0) + 1e-6
        return made

    return fitted


def encoders(config, rng):
    """What reads each modality."""
    width, channels, dropout = config["width"], config["channels"], config["dropout"]
    voices = {"tone": lambda: _Tone(width, rng), "both": lambda: _Voice(width, channels, dropout, rng),
              "statistics": lambda: _Statistics(width, dropout, rng)}
    return {"text": BagOfWords(config["vocabulary"], width, dropout, rng=rng), "audio": voices[config["hears"]]()}


def build(config, rng):
    """The classifier of a config, its weights drawn from `rng`."""
    checked_config(config, vocabulary=int, hears=("tone", "both", "statistics"), width=int, channels=[int], **FUSED)
    return fused(config, encoders(config, rng), rng)


def predict(loaded, items):
    """The emotion of each recording and its words."""
    sounds = [read_wave(item["audio"], RATE).samples for item in items]
    clips = [_heard(sound, loaded.config["hears"]) for sound in sounds]
    ids = [loaded.tokenizer.encode(item["text"]) for item in items]

    def inputs(rows, rng):
        text, text_mask = pad_batch([ids[i] for i in rows])
        x, mask = padded([clips[i] for i in rows])
        return (text, x), (text_mask, mask)

    return answers(probabilities(loaded.model, Examples(inputs, np.zeros(len(items), int))), loaded.classes)
