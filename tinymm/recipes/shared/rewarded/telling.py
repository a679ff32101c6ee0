"""What the report of a rewarded run shows: gains, and what was lost or gamed for them."""

from collections import Counter

import numpy as np

from ....metrics import bootstrap_interval, caption_tokens, exact_match, ngram_counts
from ....viz import Example

__all__ = ["add_captions", "add_gains", "add_ngrams", "add_noise", "add_training", "gains"]

SHOWN = 12  # captions side by side, and n-grams
IN_TRAINING = ("reward", "reward_spread", "positive_advantages", "closed", "words", "loss")
BAD_ENDINGS = "A bad ending is none (the caption is cut or empty), or a word in which no training caption ends."


def gains(part, before, after):
    """Flat metrics of a part: of the start, of the captioner, and their difference with its paired interval.

    Parameters
    ----------
    part : str
        "test", or "test/held_out".
    before, after : Judged

    Returns
    -------
    dict of str to float
        ``test/cider_d``, ``test/start/cider_d``, ``test/gain/cider_d``, ``…/low``, ``…/high``; ``test/drawn/…``.
    """
    found = {}
    for name, (old, new) in _measured(before, after).items():
        gain, low, high = _paired(old, new)
        found |= {f"{part}/{name}": float(np.mean(new)), f"{part}/start/{name}": float(np.mean(old)),
                  f"{part}/gain/{name}": gain, f"{part}/gain/{name}/low": low, f"{part}/gain/{name}/high": high}
    for kind, drawn in (("start/drawn", before.drawn), ("drawn", after.drawn)):
        found |= {f"{part}/{kind}/{name}": float(np.mean(values)) for name, values in drawn.items()}
    for kind, captions in (("start/distinct", before.captions), ("distinct", after.captions)):
        found[f"{part}/{kind}"] = len(set(captions)) / len(captions)
    if "truth" in after.each:
        found[f"{part}/paid_for_untruth"] = float(np.mean(_paid_for_untruth(before, after)))
    return found


def _measured(before, after):
    """name → (before, after), arrays (N,)."""
    return {name: (before.each[name], after.each[name]) for name in before.each} | {"nll": (before.nll, after.nll)}


def _paired(old, new):
    """The mean difference and its 95 % interval, items resampled in pairs."""
    difference = np.asarray(new, float) - np.asarray(old, float)
    return float(difference.mean()), *bootstrap_interval(difference, np.random.default_rng(0))


def _paid_for_untruth(before, after):
    """Which images now have a false or incomplete caption for a true one, and more reward: bool (N,)."""
    became_untrue = before.each["truth"] > after.each["truth"]
    return became_untrue & (after.each[after.reward] > before.each[after.reward])


def add_gains(report, part, before, after):
    """The table of what changed on a part."""
    report.heading(f"Before and after reward: {part}")
    rows = []
    for name, (old, new) in _measured(before, after).items():
        gain, low, high = _paired(old, new)
        rows.append([name.replace("_", " "), float(np.mean(old)), float(np.mean(new)), gain,
                     f"{low:+.3f} to {high:+.3f}"])
    for name in before.drawn:
        old, new = float(np.mean(before.drawn[name])), float(np.mean(after.drawn[name]))
        rows.append([f"drawn: {name.replace('_', ' ')}", old, new, new - old, ""])
    old, new = (len(set(judged.captions)) for judged in (before, after))
    rows.append(["distinct captions", float(old), float(new), float(new - old), ""])
    report.table(rows, ["measure", "start", "after", "gain", "95 % interval, paired"], (
        f"{len(after.captions)} images, greedy captions; rows that begin with “drawn” are of one drawn caption each. "
        "cider d is the metric of every captioning report; the reward counts the closing word and has its document "
        f"frequencies from the training captions. nll: nats per word of the true captions. {BAD_ENDINGS}"))
    if "truth" in after.each:
        share = np.mean(_paid_for_untruth(before, after))
        report.text(f"Paid for untruth: {share:.1%} of the images had a true caption, have none now, and earn more.")
    if "divergence" in after.drawn:
        nats = np.mean(after.drawn["divergence"])
        report.text(f"The captioner has moved {nats:.2f} nats per caption from its start, KL(after ‖ start).")


def add_captions(report, part, before, after):
    """Captions before and after, side by side with their pictures: those whose reward changed most, up and down."""
    old, new = (judged.each[after.reward] for judged in (before, after))
    change = new - old
    differs = np.array([one != other for one, other in zip(before.captions, after.captions)])
    report.heading("Captions before and after")
    order = [i for i in np.argsort(change, kind="stable") if differs[i]]
    for title, rows in (("earns more", order[::-1]), ("earns less", order)):
        chosen = [i for i in rows if (change[i] > 0) == (title == "earns more")][:SHOWN]
        if chosen:
            report.gallery(
                [Example(image, f"before: {before.captions[i]} ({old[i]:.2f}); "
                                f"after: {after.captions[i]} ({new[i]:.2f})",
                         tuple(part.captions[i][:2]), _is_right(after, part, i))
                 for i, image in zip(chosen, part.images(np.array(chosen)))],
                caption=f"Of {differs.sum()} captions that changed, the {len(chosen)} that {title} by most; "
                        "in brackets the reward.")
    if not differs.any():
        report.text("No caption changed.")


def _is_right(judged, part, i):
    if "truth" in judged.each:
        return bool(judged.each["truth"][i])
    return bool(exact_match([judged.captions[i]], [part.captions[i]])[0])


def add_ngrams(report, before, after, references):
    """What the metric was gamed into: the runs of words that became commonest, beside their share in true captions."""
    old, new = (_shares([[caption] for caption in captions]) for captions in (before, after))
    true = _shares(references)
    report.heading("What the reward taught it to say")
    report.table([[" ".join(ngram), old[ngram], new[ngram], true[ngram]] for ngram in _risen(old, new)],
                 ["words", "start", "after", "true captions"], (
        "Runs of one to four words, each as the share of captions that hold it: those that rose most. A run that is "
        "commoner now than in true captions is what the reward has been gamed with."))


def _risen(old, new):
    """The n-grams whose share rose most; of those that rose alike, the longer, and no part of one that is there."""
    def rise(ngram):
        return round(new[ngram] - old[ngram], 3)

    found = []
    for ngram in sorted(new, key=lambda ngram: (-rise(ngram), -len(ngram), ngram)):
        if rise(ngram) <= 0 or len(found) == SHOWN:
            break
        if not any(f" {' '.join(ngram)} " in f" {' '.join(longer)} " for longer in found):
            found.append(ngram)
    return found


def _shares(groups):
    """The share of captions that hold each run of one to four words: Counter of tuple to float."""
    captions = [caption_tokens(caption) for group in groups for caption in group]
    held = Counter(ngram for tokens in captions for n in range(1, 5) for ngram in ngram_counts(tokens, n))
    return Counter({ngram: count / len(captions) for ngram, count in held.items()})


def add_training(report, rows, objective):
    """How the reward and its like went in training, step by step."""
    report.heading("Reward in training")
    steps = [{"step": row["step"], **{f"train/{name}": row[f"train/{name}"] for name in IN_TRAINING}}
             for row in rows if row.get("kind") == "step"]
    report.curves(steps)
    report.text(f"Of {objective.samples} captions drawn for each image of a step, means over the steps between two "
                "points: their reward and its standard deviation, the share whose advantage is positive, the share "
                "that is closed, their words with the closing one. The loss measures nothing; its gradient counts.")


def add_noise(report, noise, samples, images):
    """The table of the gradient's noise with each baseline."""
    report.heading("How noisy the gradient is")
    plain = noise["none"][0]
    report.table([[name, trace, error, trace / plain if plain else None] for name, (trace, error) in noise.items()],
                 ["baseline", "trace of the covariance", "standard error", "share of none"], (
        f"Measured at the start, before any step, on {images} training images: the same draws of {samples} captions "
        "for each image judged by every baseline. The moving average is one that has settled. Self-critical decodes "
        "one greedy caption more."))
