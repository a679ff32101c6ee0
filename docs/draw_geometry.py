"""Draw `images/geometry.png`: what a sum, a gate, a product and attention do, `python docs/draw_geometry.py`.

Above: two vectors in the plane, and what becomes of a disc around one of them. Below: the sign of what each makes of
two numbers, and the four points of the exclusive or. All of it is computed by the library, with weights set by hand.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout

import tinymm.functional as F  # noqa: E402
from tinymm import fusion  # noqa: E402
from tinymm.extras import need  # noqa: E402
from tinymm.viz.figures import INK, QUIET, SERIES, STYLE  # noqa: E402

TARGET = Path(__file__).with_name("images") / "geometry.png"
PLANE = {"u": 2, "v": 2}
NUMBERS = {"x": 1, "y": 1}
U, V, G = np.array([2.0, 1.0]), np.array([0.6, 1.9]), 0.7
TURN = np.linspace(0, 2 * np.pi, 181)
DISC = U + 0.4 * np.stack([np.cos(TURN), np.sin(TURN)], -1)  # (181, 2), around u
VALUES = np.array([[0.4, 0.6], [3.2, 0.9], [1.4, 3.0]])  # of attention, which are its keys too, less their mean
LABELS = {(1, 1): 0, (1, -1): 1, (-1, 1): 1, (-1, -1): 0}


def with_weights(model, **weights):
    """A fusion, float64, with these numbers for its parameters of these names, and 0 for all others."""
    model = model.to(np.float64)
    for name, parameter in model.named_parameters():
        parameter.data[...] = weights.get(name.replace(".", "_"), 0.0)
    return model


def plane(name):
    """(n, 2) of u to (n, 2), v being what it is."""
    rng, one = np.random.default_rng(0), np.eye(2)
    model = {
        "sum": lambda: with_weights(fusion.AdditionFusion(PLANE, 2, rng=rng), maps_0_weight=one, maps_1_weight=one),
        "gate": lambda: with_weights(fusion.GatingFusion(PLANE, 2, rng=rng), maps_0_weight=one, maps_1_weight=one,
                                     gate_bias=np.log([G, 1 - G])),
        "product": lambda: with_weights(fusion.BilinearFusion(PLANE, 2, rng=rng),
                                        linear_weight=np.einsum("kp,kq->kpq", one, one).reshape(2, 4)),
    }[name]()
    return lambda u: model((u, np.tile(V, (len(u), 1)))).features.data


def attended(queries):
    """Queries (n, 2) to weighted means of the values (n, 2)."""
    return F.scaled_dot_product_attention(queries, VALUES - VALUES.mean(0), VALUES)


def differs(name, x, y):
    """A number for each pair of x and y (n,), meant to be positive where they differ."""
    rng = np.random.default_rng(0)
    if name == "linear":
        return x + 1.3 * y + 1.2
    if name == "sum":
        model = with_weights(fusion.AdditionFusion(NUMBERS, 2, rng=rng), maps_0_weight=[[1], [-1]],
                             maps_1_weight=[[1], [-1]])
        return 1 - model((x[:, None], y[:, None])).features.data.sum(1)      # 1 − ReLU(x + y) − ReLU(−x − y)
    if name == "gate":
        g = F.sigmoid(-4 * y)
        return g * x - (1 - g) * x
    if name == "product":
        model = with_weights(fusion.BilinearFusion(NUMBERS, 1, rng=rng), linear_weight=-1.0)
        return model((x[:, None], y[:, None])).features.data[:, 0]
    keys, values = np.stack([y, -y], -1)[..., None], np.tile([[-1.0], [1.0]], (len(x), 1, 1))  # (n, 2, 1)
    return F.scaled_dot_product_attention(x[:, None, None], keys, values)[:, 0, 0]             # −tanh(x y)


def draw(target=TARGET):
    """The picture, on white, for a page of any colour."""
    matplotlib = need("matplotlib", extra="viz", feature="draw a picture of the book")
    Figure = need("matplotlib.figure", extra="viz", feature="draw a picture of the book").Figure
    with matplotlib.rc_context(STYLE | {"figure.facecolor": "white", "savefig.facecolor": "white", "font.size": 9}):
        figure = Figure(figsize=(9.6, 5.3), layout="constrained")
        above, below = figure.subplots(2, 4)
        for axes, name in zip(above, ("sum", "gate", "product")):
            _draw_plane(axes, name)
        _draw_attention(above[3])
        for axes, (name, title) in zip(below, {
                "sum": "sum: a line; with ReLU, a band", "gate": "gate that looks at y", "product": "product",
                "attention": "attention: x asks, y answers"}.items()):
            _draw_exclusive_or(axes, name, title)
        figure.savefig(target, dpi=130, metadata={"Software": None})


def _draw_plane(axes, name):
    """u, v, the result, and what becomes of the disc around u."""
    fuse = plane(name)
    z, image = fuse(U[None])[0], fuse(DISC)
    if name == "sum":
        axes.plot(*np.stack([U, z, V], 1), color=QUIET, linewidth=0.8, linestyle=":")
    if name == "gate":
        axes.plot(*np.stack([U, V], 1), color=QUIET, linewidth=0.8, linestyle=":")
    axes.fill(*DISC.T, color=SERIES[0], alpha=0.18, linewidth=0)
    axes.fill(*image.T, color=SERIES[1], alpha=0.35, linewidth=0)
    for vector, colour, label in ((U, SERIES[0], "u"), (V, QUIET, "v"), (z, SERIES[1], "z")):
        axes.annotate("", vector, (0, 0), arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.6,
                                                      "shrinkA": 0, "shrinkB": 0})
        axes.annotate(label, vector, xytext=(4, 3), textcoords="offset points", color=INK, fontsize=10)
    title = {"sum": "sum: z = u + v", "gate": f"gate: z = {G} u + {1 - G:.1f} v", "product": "product: z = u ⊙ v"}[name]
    _frame(axes, title)


def _draw_attention(axes):
    """Three values; a query that turns, short and long, and where its answers lie."""
    corners = np.concatenate([VALUES, VALUES[:1]])
    axes.fill(*corners.T, color=QUIET, alpha=0.12, linewidth=0)
    axes.plot(*VALUES.T, "o", color=QUIET, markersize=5)
    turning = np.stack([np.cos(TURN), np.sin(TURN)], -1)
    for length, style in ((0.5, ":"), (2.0, "--"), (8.0, "-")):
        axes.plot(*attended(length * turning).T, color=SERIES[1], linewidth=1.6, linestyle=style,
                  label=f"|q| = {length:g}")
    axes.legend(loc="upper right", fontsize=7.5, frameon=False, labelcolor=INK, borderpad=0.1)
    _frame(axes, "attention: a mean of values")


def _draw_exclusive_or(axes, name, title):
    """Blue where the function says that x and y differ, and the four points; of the sum also what is linear."""
    grid = np.linspace(-1.6, 1.6, 161)
    x, y = (part.ravel() for part in np.meshgrid(grid, grid))
    says = differs(name, x, y).reshape(len(grid), -1)
    axes.contourf(grid, grid, says, levels=[-np.inf, 0, np.inf], colors=["white", SERIES[0]], alpha=0.25)
    if name == "sum":
        linear = differs("linear", x, y).reshape(len(grid), -1)
        axes.contour(grid, grid, linear, levels=[0], colors=[SERIES[1]], linewidths=1.6, linestyles="dashed")
    for point, label in LABELS.items():
        axes.plot(*point, "o" if label else "x", color=INK, markersize=7, markeredgewidth=1.6,
                  markerfacecolor=INK if label else "none")
    axes.set_title(title, color=INK, fontsize=9, loc="left")
    axes.set_aspect("equal")
    axes.set_xlabel("x", color=INK)
    axes.set_ylabel("y", color=INK, rotation=0)
    axes.set_xticks([-1, 0, 1])
    axes.set_yticks([-1, 0, 1])


def _frame(axes, title):
    axes.set_title(title, color=INK, fontsize=9, loc="left")
    axes.set_aspect("equal")
    axes.set_xlim(-0.25, 3.9)
    axes.set_ylim(-0.25, 3.5)
    axes.set_xticks([0, 1, 2, 3])
    axes.set_yticks([0, 1, 2, 3])
    axes.grid(alpha=0.5)


if __name__ == "__main__":
    draw()
    print(TARGET.name)
