"""Do several modalities beat one? The article's claims, each with its null hypothesis, put to the test (article 1).

Every claim is an experiment on embedded worlds, most with computed ceilings: contenders with equally many parameters,
each with a learning rate of its own, tuned on a seed of its own; several seeds; intervals that are corrected for the
number of comparisons; controls. A claim that fails stays in the table. A run that is broken off goes on with --resume.

With --data DIR those claims that learn from such a folder are tested on it, in place of the embedded worlds:
complementarity and noise on recordings digit_speaker_take.wav, as the Free Spoken Digit Dataset has them, each with a
picture of the same digit from --images DIR, in the IDX files of MNIST; complementarity on EmoDB (03a01Fa.wav), by voice
and sentence; generalisation on easy-VQA (questions.json and images/); gap and labels on pictures with captions
(captions.json and images/), such as emoji.
"""

from ..training import save_checkpoint
from ..viz import format_table
from .shared import recipe, require
from .shared.claiming import complementarity, gap, generalisation, heterogeneity, labels, noise
from .shared.claiming.folders import KINDS, folder_kind
from .shared.claiming.judging import judged
from .shared.claiming.measuring import measured
from .shared.claiming.telling import flat, report_of, told_of

__all__ = ["CLAIMS", "QUICK", "SEEDS", "run"]

CLAIMS = {"complementarity": complementarity.claim, "noise": noise.claim, "generalisation": generalisation.claim,
          "heterogeneity": heterogeneity.claim, "gap": gap.claim, "labels": labels.claim}
SEEDS, QUICK = 5, 2
QUICKLY = ("A quick run: {} seeds, shorter trainings, rates that were not tuned. Its intervals are wide; a gain that "
           "is not found here may be there.")
OF_TWO = ("Intervals of two seeds are not corrected for their number, since two could then show nothing: of twenty one "
          "is expected to be wrong.")


@recipe
def run(run, claims=None, images=None, seeds=None, quick=False):
    """Train every contender of every claim with every seed, compare, and say which claims hold.

    Parameters
    ----------
    claims : sequence of str, optional
        complementarity, noise, generalisation, heterogeneity, gap or labels; by default all, and with --data those
        that learn from it.
    images : path, optional
        With --data of spoken digits: a folder of pictures of digits, in the layout of MNIST.
    seeds : int, optional
        How often each training is repeated; by default 5, or 2 if quick.
    quick : bool
        Fewer seeds, shorter trainings, no tuning of rates: wide intervals.
    """
    require(claims is None or (claims and {*claims} <= {*CLAIMS}), "--claims", f"must be among {','.join(CLAIMS)}",
            ",".join(claims or ()))
    seeds = (QUICK if quick else SEEDS) if seeds is None else seeds
    require(seeds >= 2, "--seeds", "must be at least 2, since intervals are of seeds too", seeds)
    able = _able(run, images)
    names = able if claims is None else tuple(dict.fromkeys(claims))
    require({*names} <= {*able}, "--claims", f"only {','.join(able)} learns from the folder {run.data}",
            ",".join(name for name in names if name not in able))
    tested = [CLAIMS[name](run, quick) for name in names]
    run.folder = run.open_folder()
    if not run.folder.checkpoint.exists():
        save_checkpoint(run.folder.checkpoint, {}, {"claims": list(names)})  # the folders inside hold what was found
    run.say(f"claims: {', '.join(names)}, {seeds} seeds -> {run.folder.path}")
    found = measured(run, tested, seeds, tunes=not quick)
    results = {claim.name: judged(claim, found[claim.name]) for claim in tested}
    return _finish(run, tested, found, results, seeds, quick)


def _able(run, images):
    """The claims that can be tested: all, or those that learn from the run's folder; and whether it needs pictures."""
    if run.data is None:
        require(images is None, "--images", "needs --data with spoken digits", images)
        return tuple(CLAIMS)
    kind = folder_kind(run.data)
    if kind == "digits":
        require(images is not None, "--images", "must name pictures of the digits that are said in --data", "none")
    else:
        require(images is None, "--images", f"goes with --data of spoken digits only; {run.data} holds {kind}", images)
    return KINDS[kind].claims


def _finish(run, claims, found, results, seeds, quick):
    metrics = {}
    for claim in claims:
        metrics |= flat(claim, found[claim.name], results[claim.name])
        run.say(told_of(claim, results[claim.name]))
    run.folder.write("metrics.json", metrics)
    run.folder.write("claims.json", {name: result.verdict._asdict() for name, result in results.items()})
    warning = " ".join(filter(None, [quick and QUICKLY.format(seeds), seeds == 2 and OF_TWO]))
    report = report_of(run, claims, found, results, seeds, warning)
    report.heading("Configuration")
    report.config({**run.config, "metrics": metrics})
    report.save(run.folder.report)
    run.say("\n" + format_table([[claim.name, results[claim.name].verdict.word] for claim in claims],
                                ["claim", "verdict"]))
    run.say("\n".join(filter(None, [warning, f"report: {run.folder.report}"])))
    return metrics
