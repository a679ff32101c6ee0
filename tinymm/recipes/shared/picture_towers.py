"""The picture tower of `tinymm run clip`, in its own model or at the start of another recipe's: --init."""

from ...data.files import named
from ...encoders import ResidualColourEncoder
from ...pretraining import ClipResNet, ClipVision, SiglipVision
from .checkpoints import load
from .options import require

__all__ = ["TOWERS", "TOWER_SIZES", "load_tower", "picture_tower", "tower_config"]

TOWERS = ("clip", "clip-vit", "siglip")
TOWER_SIZES = {"stages": [int], "colours": int, "patch": int, "vision_width": int, "vision_layers": int, "heads": int}


def picture_tower(model, config, rng):
    """The tower of a model of `TOWERS`, its weights drawn from `rng`; config has `TOWER_SIZES` and "size"."""
    if model == "clip":
        encoder = ResidualColourEncoder(config["stages"], 1, config["size"], colours=config["colours"], rng=rng)
        return ClipResNet(encoder, config["heads"], rng=rng)
    kind = ClipVision if model == "clip-vit" else SiglipVision
    return kind(config["vision_width"], config["vision_layers"], config["heads"], config["patch"], config["size"],
                rng=rng)


def tower_config(config):
    """What of a `clip` checkpoint's config says how its picture tower is built."""
    return {name: config[name] for name in TOWER_SIZES}


def load_tower(path, size, channels=3):
    """The checkpoint of `tinymm run clip` whose picture tower is to be taken, once it is found to fit the pictures.

    Parameters
    ----------
    path : path
    size, channels : int
        Of the pictures to learn from.

    Returns
    -------
    Loaded
        Its tower is ``model.model.vision``.

    Raises
    ------
    ValueError
        If it is of another recipe, damaged, or of pictures of another size.
    """
    loaded = load(path, "clip")
    require((size, channels) == (loaded.config["size"], 3), "--init",
            f"must be of pictures as these, {size} × {size} with {channels} channels",
            f"{named(path)} of {loaded.config['size']} × {loaded.config['size']} with 3")
    return loaded
