"""Draw `images/speech_features.png`: a chirp and a hum, three times, `python docs/draw_speech_features.py`."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the formulas of this checkout

import tinymm.functional as F  # noqa: E402
from tinymm.extras import need  # noqa: E402
from tinymm.viz.figures import STYLE  # noqa: E402

TARGET = Path(__file__).with_name("images") / "speech_features.png"
RATE = 8000


def sound():
    """A second of chirp, a fifth of nothing, a second of hum (harmonics of 120 Hz, loudest near 700 Hz), noise."""
    t = np.arange(RATE) / RATE
    chirp = np.sin(2 * np.pi * (300 * t + 1350 * t**2))
    harmonics = np.arange(120, RATE / 2, 120)
    loudness = 1 / (1 + ((harmonics - 700) / 200) ** 2)
    hum = (loudness[:, None] * np.sin(2 * np.pi * harmonics[:, None] * t)).sum(0) / 2
    whole = np.concatenate([chirp, np.zeros(RATE // 5), hum])
    return whole + 0.003 * np.random.default_rng(0).standard_normal(len(whole))


def draw(target=TARGET):
    """The picture, on white, for a page of any colour."""
    matplotlib = need("matplotlib", extra="viz", feature="draw a picture of the book")
    Figure = need("matplotlib.figure", extra="viz", feature="draw a picture of the book").Figure
    x = sound()
    power = F.power_spectrogram(x, 200, 80, window=F.hann_window(200))
    panels = [("power, dB by kHz", 10 * np.log10(power + 1e-10), 4.0, "Blues"),
              ("log-mel, by band", F.log_mel_spectrogram(x, RATE), 40, "Blues"),
              ("MFCC 1 to 12", F.mfcc(x, RATE)[:, 1:], 12, "RdBu_r")]
    with matplotlib.rc_context(STYLE | {"figure.facecolor": "white", "savefig.facecolor": "white", "font.size": 10}):
        figure = Figure(figsize=(7.6, 6.4), layout="constrained")
        for axes, (label, features, top, colours) in zip(figure.subplots(3, 1, sharex=True), panels):
            span = np.abs(features).max() if colours == "RdBu_r" else None
            low = -span if span else np.quantile(features, 0.3)
            axes.imshow(features.T, origin="lower", aspect="auto", cmap=colours, vmin=low, vmax=span,
                        extent=(0, len(features) / 100, 0, top), interpolation="nearest")
            axes.set_ylabel(label)
        axes.set_xlabel("seconds")
        figure.savefig(target, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    draw()
    print(TARGET.name)
