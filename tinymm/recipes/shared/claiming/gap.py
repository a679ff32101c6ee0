"""Between two modalities lies a semantic gap, which a learned mapping closes (article 1.3.2).

Two views of the same things, as vectors: in one world both are linear in what they share, in another they are curved,
and in the third the second view shows only the size of what is shared, and not its sign.
Untrained towers, a linear map from one view to the other, and towers trained by contrast are asked how near the views
of one thing are, how far the modalities as a whole lie apart, and which things they match. With a folder of pictures
with captions, these are the views, and pictures are told in two ways.
"""

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from ....data.interactions import TwoViews
from ....metrics import close_gap, modality_gap
from ..plan import Plan
from .experiment import Claim, Comparison, Contender
from .matching import ViewTowers, drawn_views, embedded, is_nearest, matched
from .named_pictures import LOOKS, NamedPictures

__all__ = ["CanonicalMaps", "claim"]

THINGS = {"train": 2000, "val": 300, "test": 400}
WORLDS = ("linear", "curved", "folded")
PLAN = Plan(batch_size=128, steps=600, peak_rate=3e-3, weight_decay=0.01, replicas=1)
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # of the linear map, of which validation chooses
COMPONENTS = 256  # of either view of a folder; the towers are as wide, since the linear maps keep all of them
LUCK = 8  # things that untrained towers may match
NEAR, MEANS, CENTRED, MAPPED = "nearness", "means", "centred", "mapped"


def claim(run, quick):
    """The claim in all its worlds, or on the pictures and captions of the run's folder."""
    plan = PLAN.shortened(0.5) if quick else PLAN
    views, sizes = (_drawn(run), {}) if run.data is None else (
        _read(run), {"hidden": COMPONENTS, "embedded": COMPONENTS})
    worlds = {name: _Trial(run, plan, own, sizes) for name, own in views.items()}
    return Claim(
        name="gap",
        section="1.3.2",
        sentence="Between two modalities lies a semantic gap, which a learned mapping closes.",
        null="After training the views of one thing are no nearer to each other than before, compared with those of "
             "other things; the modalities' means are no nearer either; and no more things are matched than by a "
             "linear map.",
        contenders=tuple(Contender(f"{name}/{kind}", partial(world.fit, kind), kind,
                                   **({} if kind == "contrast" else {"rates": (PLAN.peak_rate,)}))
                         for name, world in worlds.items() for kind in ("before", "linear map", "contrast")),
        tests=tuple(_against(name, *test) for name in worlds for test in (
            ("pairs come nearer", "before", NEAR), ("means come nearer", "before", MEANS),
            ("more matched than by a linear map", "linear map", "test"))),
        beside=tuple(Comparison(f"{name}: {part} after training", (f"{name}/contrast",), (f"{name}/contrast",), part,
                                "test") for name in worlds for part in (CENTRED, MAPPED)),
        controls=tuple(Comparison(f"{name}: before training", (f"{name}/before",), LUCK / len(world.views.test[0]),
                                  expected="no gain") for name, world in worlds.items()),
        tell=_tell,
        unbounded=(NEAR, MEANS),
    )


def _against(name, what, than, part):
    return Comparison(f"{name}: {what}", (f"{name}/contrast",), (f"{name}/{than}",), part)


def _drawn(run):
    return {name: drawn_views(TwoViews(run.rng(70, number), name), THINGS, run, 71, number)
            for number, name in enumerate(WORLDS)}


def _read(run):
    things = NamedPictures(run)
    return {look: things.views(look, COMPONENTS) for look in LOOKS}


class _Trial:
    """Views of some things, and what is measured of each contender; `sizes` are options of the towers."""

    def __init__(self, run, plan, views, sizes):
        self.run, self.plan, self.views, self.sizes = run, plan, views, sizes

    def fit(self, kind, rate, seed, report):
        """Make a contender, and measure it."""
        rng = np.random.default_rng([seed, 72])
        train, val, test = self.views.train(rng), self.views.val, self.views.test
        if kind == "linear map":
            maps = CanonicalMaps.fit(train, val)
            return {"val": maps.is_likeliest(val)} | _measures(maps(train), maps(test)) | {
                "test": maps.is_likeliest(test)}
        model = ViewTowers([view.shape[1] for view in train], **self.sizes, rng=rng)
        if kind == "contrast":
            model = matched(self.run, replace(self.plan, peak_rate=rate), model, train, seed, report)
        return {"val": is_nearest(*embedded(model, val))} | _measures(embedded(model, train), embedded(model, test))


class CanonicalMaps(NamedTuple):
    r"""Canonical correlation analysis: the linear maps of both views in which the two agree best, and how well.

    With $C_x = \tfrac1N X^\top X + \lambda I$ of the centred views, and $C_y$ likewise, let
    $C_x^{-1/2} \tfrac1N X^\top Y C_y^{-1/2} = U \operatorname{diag}(\rho) V^\top$. The maps to the axes of the
    correlations ρ are $C_x^{-1/2} U$ and $C_y^{-1/2} V$.

    Attributes
    ----------
    means : pair of arrays
    maps : pair of (D, K) and (E, K) arrays
    correlations : (K,) array
        ρ, from 0 to 1.

    References
    ----------
    Hotelling (1936), Relations between two sets of variates.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((50, 3))
    >>> views = x, 2 * x[:, ::-1] + 1
    >>> CanonicalMaps.fit(views, views).is_likeliest(views).mean()
    np.float64(1.0)
    """

    means: tuple
    maps: tuple
    correlations: np.ndarray

    @classmethod
    def fit(cls, train, val, penalties=PENALTIES):
        """The maps of training views, row i of one belongs to row i of the other; of the penalties λ, the one that
        matches most validation things."""
        means = tuple(view.mean(0) for view in train)
        x, y = ((view - mean).astype(np.float64) for view, mean in zip(train, means))

        def at(penalty):
            white_x, white_y = (_inverse_root(view.T @ view / len(x) + penalty * np.eye(view.shape[1]))
                                for view in (x, y))
            u, rho, vt = np.linalg.svd(white_x @ (x.T @ y / len(x)) @ white_y, full_matrices=False)
            return cls(means, (white_x @ u, white_y @ vt.T), np.minimum(rho, 1 - 1e-6))

        return max(map(at, penalties), key=lambda maps: maps.is_likeliest(val).mean())

    def __call__(self, views):
        """Both views (n, D) and (n, E) as (n, K), each axis weighted so that products are the log ratio's."""
        weights = np.sqrt(self.correlations / (1 - self.correlations ** 2))
        return tuple((view - mean) @ own * weights for view, mean, own in zip(views, self.means, self.maps))

    def is_likeliest(self, views):
        r"""Whether for each row of the first view the row of the second with the largest log ratio
        $\ln p(a, b) / (p(a) p(b))$ is its own; what depends on a alone does not matter: float array (n,)."""
        first, second = self(views)
        # a·b ρ / (1 − ρ²) − b² ρ² / (2 (1 − ρ²)); the weights above are squared in b² already
        ratios = first @ second.T - (second ** 2) @ self.correlations / 2
        return (ratios.argmax(1) == np.arange(len(first))).astype(float)


def _inverse_root(matrix):
    """C^(-1/2) of a positive definite C."""
    values, axes = np.linalg.eigh(matrix)
    return axes / np.sqrt(values) @ axes.T


def _regression(first, second, penalty=1e-3):
    """Ridge regression from one view to the other: a callable of (n, D) to (n, E)."""
    mean, other = first.mean(0), second.mean(0)
    x = (first - mean).astype(np.float64)
    weights = np.linalg.solve(x.T @ x + penalty * len(x) * np.eye(x.shape[1]), x.T @ (second - other))
    return lambda vectors: (vectors - mean) @ weights + other


def _measures(train, test):
    """What is measured of pairs of vectors; the training pairs say where the centres are, and fit a linear map.

    "nearness" is by how much the cosine of a thing's views exceeds the mean cosine with other things; "means" is minus
    the modality gap, and so after both are centred ("means, centred") or the first is mapped ("means, mapped").
    """
    first, second = (_unit(view) for view in test)
    products = first @ second.T
    n = len(first)
    own = np.diag(products)
    mapped = _regression(*train)(test[0])
    centred = close_gap(*test, *(_unit(view).mean(0) for view in train))
    return {"test": is_nearest(first, second), NEAR: own - (products.sum(1) - own) / (n - 1), "cosine": own,
            MEANS: -np.array([modality_gap(first, second)]),
            CENTRED: is_nearest(*centred), f"{MEANS}, {CENTRED}": -np.array([modality_gap(*centred)]),
            MAPPED: is_nearest(mapped, second), f"{MEANS}, {MAPPED}": -np.array([modality_gap(mapped, second)])}


def _unit(view):
    return view / np.linalg.norm(view, axis=1, keepdims=True)


def _tell(report, scores):
    """Distances before and after."""
    parts = ("cosine", NEAR, MEANS, f"{MEANS}, {CENTRED}", f"{MEANS}, {MAPPED}", "test", CENTRED, MAPPED)
    report.table([[name, *(float(found[part].mean()) * (-1 if part.startswith(MEANS) else 1) for part in parts)]
                  for name, found in scores.items()],
                 ["towers", "cosine of pairs", "more than of others", "modality gap", "… centred", "… mapped",
                  "matched", "… centred", "… mapped"],
                 "Means over seeds. Centred: each modality less its training mean; mapped: the first by a linear map, "
                 "fitted on the training pairs.")
