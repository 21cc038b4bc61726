"""The stories of the shipped model "stories": real English from a small grammar, of which every fact can be read off.

A story is one line of words between single spaces, full stops among them. It opens with somebody; one day that one goes
somewhere; an event and a feeling follow, sometimes two of each; and then the end:

    once there was a shy fox named tom . one rainy day it went to the river . it lost a blue kite . it was sad .
    then it found the kite . it was happy . in the end tom danced .

The opening is the prompt, the rest the completion. Events, feelings and endings are good or bad, and the last feeling
mostly decides how a story ends. A story is grammatical if the grammar can tell it, and each she, he or it, each name
and each thing that is spoken of again is the right one.
"""

import re
from functools import cache
from itertools import product
from typing import NamedTuple

from rlbook._checks import check_counts, check_rng
from rlbook.language.rewards import check_pairs, check_text, check_texts

GIRLS, BOYS = ("anna", "lily", "mia", "zoe"), ("ben", "leo", "max", "tom")
KINDS = {"girl": "she", "boy": "he", "bird": "it", "cat": "it", "dog": "it", "fox": "it"}  # and what each is called
TRAITS = ("brave", "clever", "little", "quiet", "shy")
WEATHERS = ("cold", "rainy", "sunny", "warm", "windy")
PLACES = ("beach", "forest", "garden", "hill", "lake", "market", "park", "river")
LOOKS = ("big", "blue", "green", "red", "small")
THINGS = ("ball", "bell", "boat", "cup", "drum", "flower", "kite", "lamp", "shell", "toy")
GOOD_EVENTS, BAD_EVENTS = ("found", "made", "won"), ("broke", "dropped", "lost")
GOOD_TURNS = ("found", "mended", "saved")  # a good event that is the second one; a bad one is as the first
GOOD_FEELINGS, BAD_FEELINGS = ("glad", "happy", "merry", "proud"), ("afraid", "angry", "lonely", "sad")
GOOD_ENDINGS, BAD_ENDINGS = ("danced", "laughed", "sang", "smiled"), ("cried", "frowned", "sighed", "wept")
GOOD, BAD = (frozenset(GOOD_FEELINGS + GOOD_ENDINGS), frozenset(BAD_FEELINGS + BAD_ENDINGS))

END = "<end>"
WORDS = (
    *(END, ".", "?", "a", "day", "end", "in", "is", "named", "once", "one", "or", "the", "then", "there", "to"),
    *("was", "went", "she", "he", "it", *KINDS, *GIRLS, *BOYS, *TRAITS, *WEATHERS, *PLACES, *LOOKS, *THINGS),
    *(GOOD_EVENTS + GOOD_TURNS[1:] + BAD_EVENTS + GOOD_FEELINGS + BAD_FEELINGS + GOOD_ENDINGS + BAD_ENDINGS),
)
MOST_TOKENS = 36  # of a completion of the grammar, its end token included

GOOD_AT_FIRST = 0.4  # the probability that the first event is good
TWO_EVENTS, TURNS = 0.45, 0.7  # that a second one follows, and that it is the other way round
AS_EXPECTED = 0.9  # that a feeling is that of the event before it, and an ending that of the last feeling


class Story(NamedTuple):
    """The facts of a story."""

    trait: str
    kind: str
    name: str
    weather: str
    place: str
    look: str  # of the thing that the events are about
    thing: str
    events: tuple[str, ...]  # one or two, and as many feelings
    feelings: tuple[str, ...]
    ending: str


def openings(*, held_out):
    """The openings, which are the prompts: those that no story of the training set has, or all others. A list."""
    return [opening(*someone) for someone in _people(held_out)]


@cache
def _people(held_out):
    """Every (trait, kind, name) of the one sort; the fifth that is held out has all traits, kinds and names in it."""
    people = [(trait, kind, name) for trait, kind in product(TRAITS, KINDS) for name in _names(kind)]
    numbers = [
        TRAITS.index(trait) + list(KINDS).index(kind) + (GIRLS + BOYS).index(name) for trait, kind, name in people
    ]
    return [someone for someone, number in zip(people, numbers) if (number % 5 == 0) == held_out]


def opening(trait, kind, name):
    return f"once there was a {trait} {kind} named {name} ."


def draw_story(rng, *, good_at_first=GOOD_AT_FIRST):
    """One story of the training set, as text: facts at random, moods with the probabilities above."""
    check_rng(rng)
    people = _people(held_out=False)
    trait, kind, name = people[rng.integers(len(people))]
    moods = [rng.random() < good_at_first]
    if rng.random() < TWO_EVENTS:
        moods.append(moods[0] ^ (rng.random() < TURNS))
    feels = [mood ^ (rng.random() > AS_EXPECTED) for mood in moods]
    ends_well = feels[-1] ^ (rng.random() > AS_EXPECTED)

    def one(words):
        return words[rng.integers(len(words))]

    weather, place, look, thing = (one(words) for words in (WEATHERS, PLACES, LOOKS, THINGS))
    events = tuple(one(ways if good else BAD_EVENTS) for good, ways in zip(moods, (GOOD_EVENTS, GOOD_TURNS)))
    feelings = tuple(one(GOOD_FEELINGS if good else BAD_FEELINGS) for good in feels)
    ending = one(GOOD_ENDINGS if ends_well else BAD_ENDINGS)
    return tell(Story(trait, kind, name, weather, place, look, thing, events, feelings, ending))


def tell(story):
    """The text of a `Story`."""
    who = KINDS[story.kind]
    told = [opening(story.trait, story.kind, story.name), f"one {story.weather} day {who} went to the {story.place} ."]
    for i, (event, feeling) in enumerate(zip(story.events, story.feelings)):
        happened = f"then {who} {event} the {story.thing}" if i else f"{who} {event} a {story.look} {story.thing}"
        told += [f"{happened} .", f"{who} was {feeling} ."]
    return " ".join([*told, f"in the end {story.name} {story.ending} ."])


def read_story(text):
    """The facts of a text as a `Story`, or None if it is not grammatical: `tell` gives just the text back."""
    found = _STORY.fullmatch(check_text("text", text))
    if found is None:
        return None
    facts = found.groupdict()
    second = facts["event2"] is not None
    story = Story(
        *(facts[field] for field in ("trait", "kind", "name", "weather", "place", "look", "thing")),
        events=(facts["event"], facts["event2"])[: 1 + second],
        feelings=(facts["feeling"], facts["feeling2"])[: 1 + second],
        ending=facts["ending"],
    )
    return story if story.name in _names(story.kind) and tell(story) == text else None


def _names(kind):
    return {"girl": GIRLS, "boy": BOYS}.get(kind, GIRLS + BOYS)


def _one_of(field, words):
    return f"(?P<{field}>{'|'.join(words)})"


_WHO, _FEELINGS = "(?:she|he|it)", GOOD_FEELINGS + BAD_FEELINGS
_STORY = re.compile(
    rf"once there was a {_one_of('trait', TRAITS)} {_one_of('kind', KINDS)} named {_one_of('name', GIRLS + BOYS)} \. "
    rf"one {_one_of('weather', WEATHERS)} day {_WHO} went to the {_one_of('place', PLACES)} \. "
    rf"{_WHO} {_one_of('event', GOOD_EVENTS + BAD_EVENTS)} a {_one_of('look', LOOKS)} {_one_of('thing', THINGS)} \. "
    rf"{_WHO} was {_one_of('feeling', _FEELINGS)} \. "
    rf"(?:then {_WHO} {_one_of('event2', GOOD_TURNS + BAD_EVENTS)} the \w+ \. "
    rf"{_WHO} was {_one_of('feeling2', _FEELINGS)} \. )?"
    rf"in the end \w+ {_one_of('ending', GOOD_ENDINGS + BAD_ENDINGS)} \."
)


def mood(text):
    """How the words of feeling in a text weigh, in [-1, 1]: good ones less bad ones over both together; 0 for none."""
    words = check_text("text", text).split()
    good, bad = sum(word in GOOD for word in words), sum(word in BAD for word in words)
    return (good - bad) / max(good + bad, 1)


def cheerful(prompts, completions, **columns):
    """A reward function: the `mood` of each completion. It can be had by "danced danced danced" too."""
    return [mood(completion) for completion in check_texts("completions", completions)]


def positive(prompts, completions, **columns):
    """1 for each completion with more good words than bad ones, otherwise 0."""
    return [float(mood(completion) > 0) for completion in check_texts("completions", completions)]


def grammatical(prompts, completions, **columns):
    """1 for each prompt and completion that are a grammatical story together, otherwise 0."""
    pairs = check_pairs(prompts, completions)
    return [float(read_story(f"{prompt} {completion}") is not None) for prompt, completion in pairs]


def distinct(texts, n=2):
    """The share of different ones among all runs of n words in the texts, in [0, 1]; 0 where there are none.

    Texts that repeat themselves, or each other, have a low one; it falls with the number of texts, so compare equal numbers.
    Source: Li et al. (2016), "distinct-n".
    """
    check_counts(n=n)
    rows = [text.split() for text in check_texts("texts", texts)]
    runs = [tuple(row[i : i + n]) for row in rows for i in range(len(row) - n + 1)]
    return len(set(runs)) / max(len(runs), 1)


def question(text, first="happy", second="sad"):
    """A prompt that asks the model which of two words fits a text; it was trained to answer "happy" or "sad".

    The question stands before the text and the answer is the next token, so that its log-probability judges the text.
    """
    return f"is it {first} or {second} ? {text} it is"
