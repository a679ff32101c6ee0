"""The figures of the claim on noise: curves over severity, and who stands where, side by side."""

from .judging import difference
from .noise_contenders import FUSIONS
from .noisy_pairs import MODALITIES, SEVERITIES, SWEEPS

__all__ = ["Told", "curves"]

KINDS = (*MODALITIES, *FUSIONS)


class Told:
    """Adds to the report the curves and a table of all contenders, with a row for each fusion that fell below its bar.

    Parameters
    ----------
    bars : sequence of Comparison
        A fusion against the modality that is still clean.
    count : int
        Of all comparisons of the claim, for which their intervals are corrected.
    """

    def __init__(self, bars, count):
        self.bars, self.count = bars, count

    def __call__(self, report, scores):
        schools = list(dict.fromkeys(name.split("/")[0] for name in scores))
        for school in schools:
            report.text(f"Trained on {school} pairs: the share answered right by severity.")
            report.curves(curves(scores, school), x="severity")
        report.table(self.rows(scores, schools), ["part", "trained on", *KINDS], (
            "Share answered right: at severity 0 (test), the area under each curve, and with a modality missing. The "
            "last rows say where a fusion falls below the clean modality alone, beyond its interval, and by how much."))

    def rows(self, scores, schools):
        """A row for each part and school; then one for each fusion that fell below the modality that was clean."""
        parts = ("test", *SWEEPS, *(f"{name} missing" for name in MODALITIES))
        rows = [[part, school, *(_mean(scores, f"{school}/{kind}", part) for kind in KINDS)]
                for part in parts for school in schools]
        for found in (difference(one, scores, self.count) for one in self.bars):
            if found.word == "loss":
                school, fallen = found.ours.split("/")
                rows.append([f"{found.comparison.where}: below the clean {found.than.split('/')[1]} alone", school,
                             *(found.gain if kind == fallen else None for kind in KINDS)])
        return rows


def curves(scores, school):
    """Rows for `Report.curves`: by severity the mean of each contender, "CONTENDER/SWEEP"."""
    return [{"severity": severity} | {
        f"{kind}/{sweep}": _mean(scores, f"{school}/{kind}", f"{sweep} {severity:g}" if severity else "test")
        for sweep in SWEEPS for kind in KINDS} for severity in SEVERITIES]


def _mean(scores, contender, part):
    found = scores[contender].get(part)
    return None if found is None else float(found.mean())
