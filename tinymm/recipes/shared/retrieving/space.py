"""How two modalities lie in their common space: gap, alignment, uniformity, cosines, and a picture of it."""

import numpy as np

from ....metrics import geometry_scores, principal_plane

__all__ = ["add_space"]

DRAWN = 200  # pairs in the picture


def add_space(report, part, images, texts, right, scale):
    """Add how far apart pictures and texts lie.

    Parameters
    ----------
    report : Report
    part : str
        "test/space".
    images : array (N, D)
    texts : array (M, D)
    right : bool array (N, M)
    scale : float
        What the loss multiplies cosines by.

    Returns
    -------
    dict of str to float
        The numbers of `geometry_scores` under the part's name.
    """
    first = right.argmax(1)                                              # a right text of each picture
    scores = geometry_scores(images, texts[first])
    cosines = images @ texts.T
    report.heading("The common space")
    names = {"modality_gap": "distance between the modalities' means", "alignment": "mean squared distance of pairs",
             "uniformity_x": "uniformity of pictures", "uniformity_y": "uniformity of texts",
             "cosine_matched": "mean cosine of pairs", "cosine_unmatched": "mean cosine of wrong pairs",
             "cosine_within_x": "mean cosine of two pictures", "cosine_within_y": "mean cosine of two texts"}
    report.table([[names[name], value] for name, value in scores.items()], ["", "value"], (
        "All of the test's pictures, each with one of its texts. Alignment: 0 is best. Uniformity: lower is more even; "
        "evenly spread vectors of many dimensions have about −4."))
    report.text(f"Right pairs have a mean cosine of {scores['cosine_matched']:.2f} only, and that is normal, as would "
                f"be .25. The loss sees cosines times {scale:.0f}, and only their differences within a row or "
                f"a column: a lead of {3 / scale:.2f} makes the right answer e³ = 20 times as likely as a wrong one. "
                "Once it leads, nothing pulls it nearer; and pictures and texts, which began in two different cones, "
                "may stay there. So a cosine is no grade. Compare it with others of the same query.")
    rng = np.random.default_rng(0)
    wrong = cosines[~right]
    report.histogram({"right pairs": cosines[right], "wrong pairs": wrong[rng.integers(len(wrong), size=20_000)]},
                     "cosine of a picture and a text")
    plane = principal_plane(images[:DRAWN], texts[first[:DRAWN]])
    report.scatter({"pictures": plane.x, "texts": plane.y},
                   f"the two directions of largest variance ({plane.share:.0%} of it)")
    return {f"{part}/{name}": value for name, value in scores.items()}
