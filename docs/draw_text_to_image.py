"""Draw `images/text_to_image.png`: a learned flow beside its closed form, `python docs/draw_text_to_image.py`."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the style of this checkout

import tinymm as tm  # noqa: E402
from tinymm import nn  # noqa: E402
from tinymm.extras import need  # noqa: E402
from tinymm.mapping import GaussianMixtureFlow, between, euler, flow_loss, noise_levels, random_levels  # noqa: E402
from tinymm.optim import Adam  # noqa: E402
from tinymm.viz.figures import INK, SERIES, STYLE  # noqa: E402

TARGET = Path(__file__).with_name("images") / "text_to_image.png"
STEPS = 4000
FLOW = GaussianMixtureFlow([[-1.6, -0.6], [1.6, -0.6], [0.0, 1.4]], [0.35, 0.35, 0.2], [0.4, 0.3, 0.3])
LEVELS = (0.9, 0.6, 0.3)  # of noise, at which the fields are shown


class Field(nn.Module):
    """v(x, σ) of points of the plane: a network of two hidden layers."""

    def __init__(self, width, rng):
        self.layers = nn.Sequential(nn.Linear(8, width, rng=rng), nn.SiLU(), nn.Linear(width, width, rng=rng),
                                    nn.SiLU(), nn.Linear(width, 2, rng=rng))

    def forward(self, x, sigma):
        s = np.asarray(sigma, np.float32)[:, None]
        waves = [wave(k * np.pi * s) for k in (0.5, 1) for wave in (np.sin, np.cos)]
        return self.layers(tm.tensor(np.concatenate([x, s * x, *waves], 1).astype(np.float32)))


def train(steps=STEPS, seed=0):
    """(field, losses of the last tenth of the steps, the least loss there is)."""
    rng = np.random.default_rng(seed)
    field = Field(96, rng)
    optimizer, losses, least = Adam(field.parameters(), lr=2e-3), [], []
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 2e-3 * (1 - step / steps)
        x, noise = FLOW.sample(512, rng).astype(np.float32), rng.standard_normal((512, 2), dtype=np.float32)
        sigma = np.maximum(random_levels(512, rng), 1e-2)
        loss = flow_loss(field, x, sigma, noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step >= 0.9 * steps - 1:
            losses.append(loss.item())
            least.append(FLOW.variance(between(x, noise, sigma), sigma).mean())
    return field, np.mean(losses), np.mean(least)


def errors(field, n=4000, seed=1):
    """At each level: the root mean squared distance of the two fields where data pass, and the field's own length."""
    rng, found = np.random.default_rng(seed), {}
    for level in LEVELS:
        sigma = np.full(n, level)
        x = between(FLOW.sample(n, rng), rng.standard_normal((n, 2)), sigma)
        exact = FLOW.field(x, sigma)
        found[level] = [float(np.sqrt((of ** 2).sum(1).mean())) for of in (field(x, sigma).data - exact, exact)]
    return found


def draw(target=TARGET, steps=STEPS):
    """The picture, on white, for a page of any colour; returns what is printed."""
    matplotlib = need("matplotlib", extra="viz", feature="draw a picture of the book")
    Figure = need("matplotlib.figure", extra="viz", feature="draw a picture of the book").Figure
    field, loss, least = train(steps)
    found = errors(field)
    rng = np.random.default_rng(2)
    path = euler(field, rng.standard_normal((400, 2)).astype(np.float32), noise_levels(40), path=True)
    grid = np.stack(np.meshgrid(np.linspace(-3, 3, 13), np.linspace(-2.6, 2.8, 12)), -1).reshape(-1, 2)
    with matplotlib.rc_context(STYLE | {"figure.facecolor": "white", "savefig.facecolor": "white", "font.size": 9}):
        figure = Figure(figsize=(9.6, 2.5), layout="constrained")
        panels = figure.subplots(1, 4)
        for axes, level in zip(panels, LEVELS):
            sigma = np.full(len(grid), level)
            for arrows, colour, width in ((FLOW.field(grid, sigma), SERIES[0], 0.013),
                                          (field(grid, sigma).data, SERIES[1], 0.005)):
                axes.quiver(*grid.T, *-arrows.T, color=colour, width=width, angles="xy", scale_units="xy", scale=9)
            axes.set_title(f"σ = {level}: error {found[level][0]:.2f} of {found[level][1]:.2f}", color=INK, fontsize=9,
                           loc="left")
        for k in range(60):
            panels[-1].plot(*np.array([x[k] for x in path]).T, color=SERIES[1], linewidth=0.5, alpha=0.5)
        panels[-1].scatter(*path[-1].T, s=3, color=SERIES[0])
        panels[-1].set_title("from noise to data, 40 steps", color=INK, fontsize=9, loc="left")
        for axes in panels:
            axes.set(xlim=(-3.3, 3.3), ylim=(-2.9, 3.1), xticks=[], yticks=[], aspect="equal")
        figure.savefig(target, dpi=150, metadata={"Software": None})
    return f"loss {loss:.3f}, least {least:.3f}; " + "; ".join(
        f"σ = {level}: {error:.3f} of {length:.3f}" for level, (error, length) in found.items())


if __name__ == "__main__":
    print(draw())
