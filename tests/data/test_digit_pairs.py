"""Digits seen and heard: pairs keep their class, parts share nothing, noise is as loud as asked."""

import gzip
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import wavfile

from tinymm.data import (
    DigitPairs, LabelledImages, degraded, draw_digit_pairs, draw_present, fit_components, pair_by_class,
    read_digit_pairs,
)
from tinymm.data.speech import pink_noise

seeds = st.integers(0, 2**32 - 1)
sides = st.lists(st.integers(0, 3), min_size=1, max_size=20)


@given(seeds, sides, sides)
def test_pairs_keep_their_class_and_use_all_before_one_again(seed, first, second):
    second = second + first[:1] + [0, 1, 2, 3]
    partner = pair_by_class(first, second, np.random.default_rng(seed))
    assert partner.dtype == np.int64 and [second[row] for row in partner] == first
    for label in set(first):
        uses = np.bincount(partner[np.array(first) == label], minlength=len(second))[np.array(second) == label]
        assert uses.max() - uses.min() <= 1
    np.testing.assert_array_equal(partner, pair_by_class(first, second, np.random.default_rng(seed)))


def test_a_class_without_the_other_side_is_refused(rng):
    with pytest.raises(ValueError, match=r"every class of the first side must be in the second; got none of \[2, 5\]"):
        pair_by_class([5, 1, 2], [1, 3], rng)


@given(seeds, st.floats(-20, 30), st.sampled_from(["white", "pink"]))
def test_noise_is_as_loud_as_asked(seed, snr, noise):
    rng = np.random.default_rng(seed)
    clean = [rng.standard_normal(int(n)) * scale for n, scale in zip(rng.integers(50, 400, 3), (0.01, 1.0, 30.0))]
    pictures = np.zeros((3, 1, 2, 2), np.float32)
    noisy, same = degraded(clean, pictures, rng, snr=snr, noise=noise)
    assert same is pictures
    for a, b in zip(clean, noisy):
        assert 10 * math.log10((a * a).mean() / ((b - a) ** 2).mean()) == pytest.approx(snr, abs=1e-6)


def test_pink_noise_has_as_much_power_in_every_octave(rng):
    power = np.mean([np.abs(np.fft.rfft(pink_noise(4096, rng))) ** 2 for _ in range(50)], 0)
    octaves = [power[2**k:2**(k + 1)].sum() for k in range(4, 11)]
    np.testing.assert_allclose(octaves, np.mean(octaves), rtol=0.15)
    assert [len(pink_noise(n, rng)) for n in (1, 2, 7)] == [1, 2, 7] and not pink_noise(1, rng).any()


def test_pictures_are_reduced_to_their_components(rng):
    pictures = rng.random((20, 1, 4, 4)).astype(np.float32)
    components = fit_components(pictures, 2)
    sounds = [np.ones(8)] * 20
    same, reduced = degraded(sounds, pictures, rng, components=components)
    assert same is sounds
    np.testing.assert_array_equal(reduced, components.project(pictures))
    np.testing.assert_allclose(degraded(sounds, reduced, rng, components=components)[1], reduced, atol=1e-5)


def test_sides_that_do_not_belong_together_are_refused(rng):
    with pytest.raises(ValueError, match="degraded: needs one picture for each clip; got 2 and 3"):
        degraded([np.ones(4)] * 2, np.zeros((3, 1, 2, 2)), rng)
    with pytest.raises(ValueError, match="noise must be white or pink; got 'brown'"):
        degraded([np.ones(4)], np.zeros((1, 1, 2, 2)), rng, snr=0.0, noise="brown")
    pictures = LabelledImages(np.array([1, 3]), list("0123"), (1, 2, 2), load=None)
    with pytest.raises(ValueError, match="2 clips, 1 labels, 2 speakers"):
        DigitPairs([np.ones(4)] * 2, np.array([1]), ["a", "b"], pictures)
    with pytest.raises(ValueError, match=r"every digit that is said must be pictured; got no picture of \[2\]$"):
        DigitPairs([np.ones(4)] * 2, np.array([1, 2]), ["a", "b"], pictures)


@given(seeds, st.floats(0, 0.5), st.floats(0, 0.5))
def test_never_are_both_sides_missing(seed, first, second):
    present = draw_present(400, (first, second), np.random.default_rng(seed))
    assert present.shape == (400, 2) and present.dtype == bool and present.any(1).all()
    for share, column in zip((first, second), present.T):
        assert abs((~column).mean() - share) <= 5 * math.sqrt(share * (1 - share) / 400) + 1e-9


@pytest.mark.parametrize("missing", [(-0.1, 0.5), (0.6, 0.5)])
def test_impossible_shares_are_refused(missing, rng):
    with pytest.raises(ValueError, match="draw_present: shares must be at least 0, and at most 1 in sum"):
        draw_present(3, missing, rng)


def test_embedded_parts_have_all_digits_and_share_nothing():
    few = {"train": 20, "val": 10, "test": 10}
    parts = draw_digit_pairs(np.random.default_rng(1), few, {"train": 30, "val": 10, "test": 10}, size=12)
    again = draw_digit_pairs(np.random.default_rng(1), few, {"train": 30, "val": 10, "test": 10}, size=12)
    seen = set()
    for name, part in parts.items():
        pixels = part.pictures.load(np.arange(len(part.pictures)))
        own = {sound.tobytes() for sound in part.sounds} | {picture.tobytes() for picture in pixels}
        assert len(own) == len(part) + len(part.pictures) and not own & seen
        seen |= own
        assert set(part.labels) == set(part.pictures.labels) == set(range(10)) and len(set(part.speakers)) == len(part)
        np.testing.assert_array_equal(part.sounds[3], again[name].sounds[3])
        rows = np.array([2, 0, 1])
        partners = part.partners(rows, np.random.default_rng(0))
        assert (part.pictures.labels[partners] == part.labels[rows]).all()


@pytest.fixture
def folders(tmp_path):
    """Recordings and pictures, each of which tells itself from all others."""
    sound, picture = tmp_path / "fsdd", tmp_path / "mnist"
    sound.mkdir()
    picture.mkdir()
    for digit in range(10):
        for take in range(10, 30):
            wavfile.write(sound / f"{digit}_ann_{take}.wav", 8000, np.full(80, 50 * digit + take, np.int16))
    write_idx(picture, "train", 200, 0)
    return sound, picture


def write_idx(folder, name, n, first):
    pixels = np.zeros((n, 4, 4), np.uint8)
    pixels[:, 0, 0], pixels[:, 0, 1] = divmod(first + np.arange(n), 200)
    with gzip.open(folder / f"{name}-images-idx3-ubyte.gz", "wb") as file:
        file.write(struct.pack(">4I", 0x803, n, 4, 4) + pixels.tobytes())
    with gzip.open(folder / f"{name}-labels-idx1-ubyte.gz", "wb") as file:
        file.write(struct.pack(">2I", 0x801, n) + (np.arange(n) % 10).astype(np.uint8).tobytes())


@pytest.mark.parametrize("official", [False, True])
def test_no_clip_and_no_picture_is_in_two_parts(folders, official):
    sound, picture = folders
    if official:
        write_idx(picture, "t10k", 50, 200)
        for digit in range(10):
            wavfile.write(sound / f"{digit}_ann_3.wav", 8000, np.full(80, 5000 + digit, np.int16))
    parts, notes = read_digit_pairs(sound, picture, np.random.default_rng(0))
    clips = {name: {float(clip[0]) for clip in part.sounds} for name, part in parts.items()}
    pixels = {name: {p.tobytes() for p in part.pictures.load(np.arange(len(part.pictures)))}
              for name, part in parts.items()}
    for found, total in ((clips, 210 if official else 200), (pixels, 250 if official else 200)):
        assert len(set().union(*found.values())) == sum(map(len, found.values())) == total
    assert len(parts["test"]) == (10 if official else 40)
    assert notes["test clips"] == ("takes 0 to 4" if official else "20% of the recordings")
    assert notes["test pictures"] == ("t10k" if official else "20% of the pictures")
    if official:
        assert min(clips["test"]) > 0.15 > max(clips["train"]) and len(pixels["test"]) == 50


def test_digits_that_only_one_side_has_are_refused(folders):
    sound, picture = folders
    for path in sound.glob("7_*"):
        path.unlink()
    with pytest.raises(ValueError, match="mnist: must picture the digits that are said in .*; got 7 only pictured$"):
        read_digit_pairs(sound, picture, np.random.default_rng(0))


def test_real_digits(shared_data):
    parts, notes = read_digit_pairs(shared_data("fsdd"), shared_data("mnist"), np.random.default_rng(0))
    assert notes["recordings"] == 1500 and {len(part) for part in parts.values()} == {1080, 120, 300}
    rows = parts["test"].partners(np.arange(300), np.random.default_rng(0))
    assert len(set(rows.tolist())) == 300 and parts["test"].pictures.load(rows).shape == (300, 1, 28, 28)
