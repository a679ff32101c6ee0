"""How text is written: which code points make one character, which characters one word, and how wide they are shown.

A character, as its reader calls it, may be several code points: a letter and its accent (é in two), a consonant and its
vowel sign (कि), a face and the colour of its skin. Nothing here may come between them. The rules are a short form of
Unicode's (Annex 29, Text segmentation), from what Python's `unicodedata` knows of each code point.
"""

import re
import unicodedata
from functools import cache
from typing import NamedTuple

__all__ = ["Fragments", "begins_with_mark", "display_width", "fold", "fragments", "graphemes"]

JOINER = "\u200d"                                        # joins two emoji to one
REGIONAL = "\U0001f1e6-\U0001f1ff"                       # two of these letters are a flag
SKIN = "\U0001f3fb-\U0001f3ff"
PICTURES = "\u2190-\u2bff\U0001f000-\U0001faff"          # what a joiner joins: arrows, symbols, emoji
# What attaches to the character before it, besides marks: (non-)joiners, Mongolian's separator, colours, tags of flags.
ATTACHED = f"\u180e\u200c{JOINER}{SKIN}\U000e0020-\U000e007f"
# Inside a word as a hyphen is, and part of it: Catalan l·l, Armenian and Hebrew signs.
INNER = "·\u055a-\u055c\u055e\u05f3\u05f4"
HAN = "\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# Invisible signs that belong to no word (soft hyphens, directions, byte order marks), and the space without a width.
INVISIBLE = {**dict.fromkeys([0xAD, 0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF]),
             0x200B: " "}
LAST_MARKED = 0x1FFFF                                    # beyond: Han, and the variation selectors
SELECTORS = "\U000e0100-\U000e01ef"
PICTURE_SELECTOR = "\ufe0f"                              # shows the sign before it as a picture, two columns wide


class Fragments(NamedTuple):
    """Parts of regular expressions.

    Attributes
    ----------
    letter : str
        A letter, digit or underscore of a script whose words are separated: all but Han.
    mark : str
        What attaches to the character before it.
    run : str
        Such letters and their marks, as many as there are.
    han : str
        One Han character and its marks.
    emoji : str
        A flag, or a picture with its colour and all pictures that are joined to it.
    symbols : str
        For a set in brackets: signs beyond ASCII that are read aloud (€, °, ♥, emoji), not punctuation.
    """

    letter: str
    mark: str
    run: str
    han: str
    emoji: str
    symbols: str


@cache
def fragments():
    """The parts that patterns for words are made of.

    Examples
    --------
    >>> re.findall(fragments().run, "हिन्दी, más")
    ['हिन्दी', 'más']
    """
    by_category = {}
    for c in map(chr, range(0x80, LAST_MARKED + 1)):
        by_category.setdefault(unicodedata.category(c), []).append(c)
    marks = _ranges(by_category[kind] for kind in ("Mn", "Mc", "Me"))
    letter, mark = rf"[^\W{HAN}]", f"[{marks}{SELECTORS}{ATTACHED}]"
    picture = rf"(?!\w)[{PICTURES}]{mark}*"
    return Fragments(
        letter=letter,
        mark=mark,
        run=f"{letter}+(?:{mark}+{letter}*|[{INNER}]{letter}+)*",
        han=f"[{HAN}]{mark}*",
        emoji=f"[{REGIONAL}]{{2}}{mark}*|{picture}(?:(?<={JOINER}){picture})*",
        symbols=_ranges(by_category[kind] for kind in ("Sc", "Sm", "So")) + SKIN,
    )


def _ranges(groups):
    """Characters as the inside of a set in brackets: neighbours in order become a range."""
    numbers = sorted(ord(c) for group in groups for c in group)
    starts = [n for before, n in zip([-1, *numbers], numbers) if n != before + 1]
    ends = [n for n, after in zip(numbers, [*numbers[1:], -1]) if after != n + 1]
    return "".join(f"{chr(start)}-{chr(end)}" for start, end in zip(starts, ends))


def fold(text):
    r"""The form in which texts are compared: small letters, accents composed (NFC), without invisible signs.

    A Turkish İ becomes an i without a second dot. Folding twice changes nothing.

    Examples
    --------
    >>> fold("I\u0307stanbul") == fold("\u0130stanbul") == "istanbul", fold("CAFE\u0301") == "caf\u00e9"
    (True, True)
    """
    if text.isascii():
        return text.lower()
    small = unicodedata.normalize("NFC", text.translate(INVISIBLE)).lower()
    return unicodedata.normalize("NFC", re.sub("i\u0307+", "i", small))


def graphemes(text):
    """The characters of a text as its reader counts them: list of str, which together are the text.

    Examples
    --------
    >>> graphemes("किá") == ["कि", "á"], len(graphemes("👩‍🚀🇩🇪"))
    (True, 2)
    """
    return list(text) if text.isascii() else _grapheme().findall(text)


@cache
def _grapheme():
    return re.compile(f"{fragments().emoji}|.{fragments().mark}*", re.DOTALL)


def begins_with_mark(text):
    r"""Whether the first code point would attach to a character before it.

    Examples
    --------
    >>> begins_with_mark("\u0301a"), begins_with_mark("a")
    (True, False)
    """
    return not text.isascii() and re.match(fragments().mark, text) is not None


def display_width(text):
    """Columns of a terminal that a text takes: 2 for wide East Asian characters and pictures, 0 for what is not seen.

    Examples
    --------
    >>> display_width("中a"), display_width("กี่"), display_width("👩‍🚀"), display_width("1️⃣")
    (3, 1, 2, 2)
    """
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(map(_columns, graphemes(unicodedata.normalize("NFC", text))))


def _columns(character):
    """Columns of one character: those of its first code point, unless it is shown as a picture."""
    first = character[0]
    if unicodedata.category(first) in ("Mn", "Mc", "Me", "Cf", "Cc", "Zl", "Zp") or "\u1160" <= first <= "\u11ff":
        return 0
    is_flag = len(re.findall(f"[{REGIONAL}]", character)) == 2
    wide = is_flag or PICTURE_SELECTOR in character or unicodedata.east_asian_width(first) in "WF"
    return 2 if wide else 1
