"""Draw `images/images.png`: a picture, what two filters answer, and its patches: `python docs/draw_images.py`."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the code of this checkout

import tinymm.functional as F  # noqa: E402
from tinymm.data import Scene, ShapesWorld, Thing  # noqa: E402
from tinymm.encoders.image import patches  # noqa: E402
from tinymm.extras import need  # noqa: E402
from tinymm.viz import montage, signed_map  # noqa: E402
from tinymm.viz.figures import INK, STYLE  # noqa: E402

TARGET = Path(__file__).with_name("images") / "images.png"
SCENE = Scene((Thing("yellow", "triangle", "large", 0.36, 0.4, 0.27),
               Thing("red", "circle", "small", 0.75, 0.72, 0.14)))
EDGE = np.outer([1.0, 2.0, 1.0], [-1.0, 0.0, 1.0]).astype(np.float32)  # brighter to the right


def panels():
    """Title to picture (3, H, W)."""
    image = ShapesWorld().render([SCENE], np.random.default_rng(0))[0]
    brightness = image.max(0)[None, None]
    answers = [F.conv2d(brightness, kernel[None, None], padding="same")[0, 0] for kernel in (EDGE, EDGE.T)]
    cut = patches(image[None], 8)[0].reshape(16, 3, 8, 8)
    return {"the picture, 32 × 32": image, "brighter to the right?": signed_map(answers[0], 3.0),
            "brighter below?": signed_map(answers[1], 3.0), "16 patches of 8 × 8": montage(cut, columns=4, gap=1)}


def draw(target=TARGET):
    """The picture, on white, for a page of any colour."""
    matplotlib = need("matplotlib", extra="viz", feature="draw a picture of the book")
    Figure = need("matplotlib.figure", extra="viz", feature="draw a picture of the book").Figure
    with matplotlib.rc_context(STYLE | {"figure.facecolor": "white", "savefig.facecolor": "white", "font.size": 10}):
        figure = Figure(figsize=(7.6, 2.2), layout="constrained")
        for axes, (title, picture) in zip(figure.subplots(1, 4), panels().items()):
            axes.imshow(picture.transpose(1, 2, 0), interpolation="nearest")
            axes.set_title(title, color=INK, fontsize=10)
            axes.axis("off")
        figure.savefig(target, dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    draw()
    print(TARGET.name)
