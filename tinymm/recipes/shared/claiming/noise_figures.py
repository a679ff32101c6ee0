"""The figures of the claim on noise: curves over severity, and who stands where, side by side."""

from .judging import difference
from .noise_contenders import FUSIONS
from .noisy_world import SEVERITIES

__all__ = ["Told", "curves"]


class Told:
    """Adds to the report the curves and a table of all contenders, with a row for each fusion that fell below its bar.

    Parameters
    ----------
    world : NoisyWorld
    bars : sequence of Comparison
        A fusion against the modality that is still clean.
    count : int
        Of all comparisons of the claim, for which their intervals are corrected.
    """

    def __init__(self, world, bars, count):
        self.world, self.bars, self.count = world, bars, count

    def __call__(self, report, scores):
        schools = list(dict.fromkeys(name.split("/")[0] for name in scores))
        for school in schools:
            report.text(f"Trained on {school} pairs: the share answered right by severity.")
            report.curves(curves(self.world, scores, school), x="severity")
        report.table(self.rows(scores, schools), ["part", "trained on", *_kinds(self.world)], (
            "Share answered right: at severity 0 (test), the area under each curve, and with a modality missing. The "
            "last rows say where a fusion falls below the clean modality alone, beyond its interval, and by how much."))

    def rows(self, scores, schools):
        """A row for each part and school; then one for each fusion that fell below the modality that was clean."""
        kinds = _kinds(self.world)
        parts = ("test", *self.world.sweeps, *(f"{name} missing" for name in self.world.modalities))
        rows = [[part, school, *(_mean(scores, f"{school}/{kind}", part) for kind in kinds)]
                for part in parts for school in schools]
        for found in (difference(one, scores, self.count) for one in self.bars):
            if found.word == "loss":
                school, fallen = found.ours.split("/")
                rows.append([f"{found.comparison.where}: below the clean {found.than.split('/')[1]} alone", school,
                             *(found.gain if kind == fallen else None for kind in kinds)])
        return rows


def _kinds(world):
    return (*world.modalities, *FUSIONS)


def curves(world, scores, school):
    """Rows for `Report.curves`: by severity the mean of each contender, "CONTENDER/SWEEP"."""
    return [{"severity": severity} | {
        f"{kind}/{sweep}": _mean(scores, f"{school}/{kind}", f"{sweep} {severity:g}" if severity else "test")
        for sweep in world.sweeps for kind in _kinds(world)} for severity in SEVERITIES]


def _mean(scores, contender, part):
    found = scores[contender].get(part)
    return None if found is None else float(found.mean())
