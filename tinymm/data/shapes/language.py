"""The language of the shapes world: its grammar, and a parser for all of it.

::

    caption   = clause , { "and" , clause } ;
    clause    = "there is" , mention , [ claims ]
              | mention , [ [ "is" ] , claims ] ;
    claims    = claim , { "and" , claim } ;              (* all about the clause's first mention *)
    claim     = relation , mention | place ;
    mention   = article , [ size ] , colour , shape ;
    article   = "a" | "an" ;                             (* "an" before "orange", else "a" *)
    size      = "small" | "large" ;
    colour    = "red" | "green" | "blue" | "yellow" | "purple" | "orange" ;
    shape     = "circle" | "square" | "triangle" | "cross" | "diamond" ;
    relation  = [ "to the" ] , ( "left of" | "right of" ) | "above" | "below" ;
    place     = "in the" , ( "top left" | "top right" | "bottom left" | "bottom right" | "middle" )
              | "at the" , ( "top" | "bottom" ) | "on the" , ( "left" | "right" ) ;

The word after "and" tells a new clause ("a", "an", "there") from a further claim (anything else), so the parser reads
the words once and never goes back.
"""

from dataclasses import dataclass

from .scene import COLOURS, SHAPES, SIZES

__all__ = ["PLACE_PHRASES", "RELATION_PHRASES", "VOCABULARY", "Claim", "Mention", "Reading", "parse"]

RELATION_PHRASES = {
    "left": ("left of", "to the left of"),
    "right": ("right of", "to the right of"),
    "above": ("above",),
    "below": ("below",),
}
PLACE_PHRASES = {
    "top left": "in the top left",
    "top right": "in the top right",
    "bottom left": "in the bottom left",
    "bottom right": "in the bottom right",
    "middle": "in the middle",
    "top": "at the top",
    "bottom": "at the bottom",
    "left": "on the left",
    "right": "on the right",
}
_RELATIONS = [(phrase.split(), word) for word, phrases in RELATION_PHRASES.items() for phrase in phrases]
_PLACES = [(phrase.split(), word) for word, phrase in PLACE_PHRASES.items()]
_PHRASE_WORDS = {word for phrase, _ in _RELATIONS + _PLACES for word in phrase}
VOCABULARY = tuple(sorted({"a", "an", "and", "there", "is", *COLOURS, *SHAPES, *SIZES} | _PHRASE_WORDS))


@dataclass(frozen=True, slots=True)
class Mention:
    """A noun phrase; `size` is None if the phrase gives none.

    Examples
    --------
    >>> str(Mention("orange", "cross")), str(Mention("orange", "cross", "small"))
    ('an orange cross', 'a small orange cross')
    """

    colour: str
    shape: str
    size: str | None = None

    def __str__(self):
        words = [word for word in (self.size, self.colour, self.shape) if word]
        return " ".join([_article(words[0]), *words])


@dataclass(frozen=True, slots=True)
class Claim:
    """Mention number `subject` is in relation `word` to mention number `other`; or in place `word` if that is None."""

    subject: int
    word: str
    other: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a caption states: the things it mentions, in order, and what it claims about them."""

    mentions: tuple[Mention, ...]
    claims: tuple[Claim, ...]


def parse(caption):
    """Read a caption, or return None if it is not in the grammar.

    Parameters
    ----------
    caption : str
        Words separated by white space.

    Returns
    -------
    Reading or None

    Examples
    --------
    >>> reading = parse("a small red circle is above a blue square and on the left")
    >>> [str(mention) for mention in reading.mentions]
    ['a small red circle', 'a blue square']
    >>> reading.claims
    (Claim(subject=0, word='above', other=1), Claim(subject=0, word='left', other=None))
    >>> parse("a circle red above") is None
    True
    """
    parser = _Parser(caption.split())
    try:
        parser.caption()
    except _NotInGrammar:
        return None
    return Reading(tuple(parser.mentions), tuple(parser.claims))


def _article(word):
    return "an" if word == "orange" else "a"


class _NotInGrammar(Exception):
    pass


class _Parser:
    """One method per rule of the grammar; each consumes its words or raises."""

    def __init__(self, words):
        self.words = words
        self.position = 0
        self.mentions = []
        self.claims = []

    def caption(self):
        self.clause()
        while self.accept("and"):
            self.clause()
        if self.position != len(self.words):
            raise _NotInGrammar

    def clause(self):
        if self.accept("there", "is"):
            subject = self.mention()
            claims_follow = self.next_word not in (None, "and")
        else:
            subject = self.mention()
            claims_follow = self.accept("is") or self.next_word not in (None, "and")
        if claims_follow:
            self.claim(subject)
            while self.next_word == "and" and self.word_after_next not in ("a", "an", "there"):
                self.accept("and")
                self.claim(subject)

    def claim(self, subject):
        for phrase, word in _RELATIONS:
            if self.accept(*phrase):
                self.claims.append(Claim(subject, word, self.mention()))
                return
        for phrase, word in _PLACES:
            if self.accept(*phrase):
                self.claims.append(Claim(subject, word))
                return
        raise _NotInGrammar

    def mention(self):
        article = self.one_of(("a", "an"))
        if article != _article(self.next_word):
            raise _NotInGrammar
        size = self.one_of(SIZES) if self.next_word in SIZES else None
        self.mentions.append(Mention(self.one_of(COLOURS), self.one_of(SHAPES), size))
        return len(self.mentions) - 1

    @property
    def next_word(self):
        return self.words[self.position] if self.position < len(self.words) else None

    @property
    def word_after_next(self):
        return self.words[self.position + 1] if self.position + 1 < len(self.words) else None

    def accept(self, *phrase):
        """Consume the phrase if it comes next; whether it did."""
        end = self.position + len(phrase)
        comes_next = tuple(self.words[self.position:end]) == phrase
        if comes_next:
            self.position = end
        return comes_next

    def one_of(self, words):
        """Consume one word, which must be one of these."""
        word = self.next_word
        if word not in words:
            raise _NotInGrammar
        self.position += 1
        return word
