"""A search: the units that follow a text, those whose best word it is first, the others by what they follow more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from engine.core.errors import VitrineError
from pages.common import colours, errors, results, widgets, words
from pages.common.charts import figure
from pages.common.charts.files import plain
from pages.common.colours import Side
from pages.common.experiment_page import ExperimentPage
from pages.common.units.quick import is_quick
from pages.sections.concepts import card, requests
from pages.sections.concepts import view as views
from pages.sections.concepts.view import ConceptsView

if TYPE_CHECKING:
    from engine.core.request import Result

Row = tuple[str, list[card.Card]]
"""Units under a title."""
OWN = 6
"""Cards of a group, at first."""
GROUPS = 4
"""Groups, at first."""
NEAR = 0.01
"""Two correlations that differ by less are level: over 849 kinds, the difference of two words whose fits correlate at 0.9 has a
standard error of 0.015."""
EMPTY = "Enter a word or a sentence above: the units that respond to the images that fit it are shown here."


def quick(view: ConceptsView) -> bool:
    """Whether a search, for any text, takes a second or two: all that its models do on the images is stored."""
    try:
        return all(map(is_quick, requests.requests(view.model_copy(update={"text": view.text or "a text"}))))
    except VitrineError:
        return False  # said where it is asked for


def draw(page: ExperimentPage[ConceptsView], view: ConceptsView, computed: Mapping[str, Result]) -> None:
    """The units of each model, side by side, under what was found."""
    if not view.text:
        errors.hint(EMPTY, "search")
        return
    there: dict[Side, Result] = {side: computed[f"find-{side}"] for side in view.sides if f"find-{side}" in computed}
    if not there:
        return
    st.header(said := finding(view, there), anchor=False)
    found = {side: _rows(view, side, result) for side, result in there.items()}
    at_first = [each for side, result in there.items() for each in shown_at_first(view, side, result)]

    def beside() -> None:
        card.make(page, view, at_first)
        if at_first:
            keys = [result.key for result in there.values()]
            title = f"Units that follow “{view.text}”"
            figure.pictures("cn-found", lambda: card.files(view, at_first, title, plain(f"{said}."), keys))

    page.bar(errors.escape(views.summary(view)), requests.parts(view), beside, "vitrine-units")
    for column, side in zip(st.columns(len(view.sides), gap="large"), view.sides, strict=True):
        with column:
            if side in there:
                _side(page, view, side, there[side], found[side])


def shown_at_first(view: ConceptsView, side: Side, result: Result) -> list[card.Card]:
    """The units of one model that a search shows without a further click."""
    return [each for _, cards in _rows(view, side, result)[:GROUPS] for each in cards[:OWN]]


def _side(page: ExperimentPage[ConceptsView], view: ConceptsView, side: Side, result: Result, rows: list[Row]) -> None:
    """The units of one model, in groups."""
    st.subheader(f":{colours.NAMES[side]}[{errors.escape(view.sides[side])}]", anchor=False)
    st.caption(against_chance(result))
    widgets.say_cut_texts(result)
    for title, cards in rows[:GROUPS]:
        st.markdown(f"#### {title}")
        card.draw(view, cards[:OWN])
    further = [(title, cards[OWN:]) for title, cards in rows[:GROUPS] if len(cards) > OWN] + rows[GROUPS:]
    if further:
        more = st.expander(
            f"{sum(len(cards) for _, cards in further)} more units of model {side.upper()}",
            key=page.key(f"more_{side}"),
            on_change="rerun",
        )
        if more.open:
            with more:
                for title, cards in further:
                    st.markdown(f"#### {title}")
                    card.draw(view, cards)


def _rows(view: ConceptsView, side: Side, result: Result) -> list[Row]:
    """The units of one model: those of the text itself, then those that correlate higher with a word, each under a title."""
    own, others = groups(result)
    many = independent(str(result.request.get("data", "")), result.arrays["images"])
    text = errors.escape(str(result.facts["text"]))
    titled = [(f"These correlate higher with “{text}” than with any other word", own)] if own else []
    for word, places in others:
        titled.append(
            (
                f"{'This correlates' if len(places) == 1 else 'These correlate'} higher with “{errors.escape(word)}”",
                places,
            )
        )
    return [
        (title, [_card(side, view.sides[side], result, place, many) for place in places]) for title, places in titled
    ]


def _card(side: Side, model: str, result: Result, place: int, independent_images: int) -> card.Card:
    row, facts = result.tables["units"].iloc[place].to_dict(), result.facts
    numbers, scores = result.arrays["words"][place].tolist(), result.arrays["word_scores"][place].tolist()
    follows = [(str(facts["words"][number]), float(score)) for number, score in zip(numbers, scores, strict=True)]
    told = why(row, facts, follows, side, independent_images)
    return card.Card(
        side, model, str(row["site"]), int(row["unit"]), told, "found", beside(row, follows),
        tuple(result.arrays["strongest"][place].tolist()),
    )  # fmt: skip


def independent(data: str, images: np.ndarray) -> int:
    """How many of these images do not belong together: a matched set counts once, and so does a kind, as in the chance level."""
    from engine.concepts import halves

    try:
        dataset = results.dataset(data)
        kinds, clusters = halves.kinds_of(dataset.labels()[images])[0], dataset.clusters()
    except VitrineError:  # the result is there, its images are not
        return len(images)
    return halves.independent(kinds, None if clusters is None else clusters[images])


def finding(view: ConceptsView, there: Mapping[Side, Result]) -> str:
    """How many units of each model correlate higher with the text than with any word of the vocabulary, in one sentence."""
    text = errors.escape(view.text)
    if not any(result.facts["found"] for result in there.values()):
        return f"No unit follows “{text}” more than chance"
    told = [
        f"{count(result.facts['own'], number == 0)} of :{colours.NAMES[side]}[{errors.escape(view.sides[side])}]"
        for number, (side, result) in enumerate(there.items())
    ]
    verb = f"correlate{'s' if _single(there) else ''}"
    sentence = f"{' and '.join(told)} {verb} higher with “{text}” than with any other word"
    return sentence[0].upper() + sentence[1:]


def count(units: int, named: bool) -> str:
    """So many units, in words; `named` where it is said for the first time that they are units."""
    number = f"{units:,}" if units else "no" if named else "none"
    return f"{number} unit{'' if units < 2 else 's'}" if named else number


def _single(there: Mapping[Side, Result]) -> bool:
    """Whether the sentence is about one thing: no unit, or one unit, of a single model."""
    return len(there) == 1 and all(result.facts["own"] < 2 for result in there.values())


def against_chance(result: Result) -> str:
    """How closely the best of one model's units follows the text, and how many do more than chance would have it."""
    facts = result.facts
    if not facts["found"]:
        return f":material/info: {errors.escape(str(facts['sentence']))}"
    return (
        f"{facts['above']:,} of {facts['searched']:,} units follow it more than chance. The highest correlation is "
        f"{float(facts['best']):.2f} (chance {float(facts['chance']):.2f}). Below: each unit's strongest images and the number "
        "that ranks it, its correlation *r* with the text over all images. Its 95% interval is not corrected for the choice of "
        f"the best among {facts['searched']:,} units. {next_words(result)}All else on hover."
    )


def next_words(result: Result) -> str:
    """How near the next word comes in the units whose highest correlation is that with the text; empty where there are none."""
    from engine.concepts.search import MOST_ROWS

    places, facts = groups(result)[0], result.facts
    if not places or not facts["own"]:
        return ""
    scores, nearest = result.tables["units"]["score"].to_numpy()[places], []
    for place, score in zip(places, scores, strict=True):
        numbers = zip(result.arrays["words"][place].tolist(), result.arrays["word_scores"][place].tolist(), strict=True)
        follows = ((str(facts["words"][number]), float(r)) for number, r in numbers)
        nearest += [(score, word, r) for word, r in follows if word != facts["text"]][:1]
    return (
        "Which word correlates highest with a unit is not tested, and near words are often level with the text. "
        f"{_next(nearest)}Only the {MOST_ROWS} units with the highest *r* of each site are compared with words. "
    )


def _next(nearest: Sequence[tuple[float, str, float]]) -> str:
    """How often the next word is level: for each unit its correlation with the text, its next word and that one's correlation."""
    if not nearest:
        return ""
    score, word, next_score = nearest[0]
    first = f"“{errors.escape(word)}”, {next_score:.2f} against {score:.2f}. "
    if len(nearest) == 1:
        return f"The next word of the one such unit shown is {first}"
    near = sum(score - r < NEAR for score, _, r in nearest)
    return f"Of the {len(nearest)} such units shown {near} have a next word less than {NEAR} behind; that of the first is {first}"


def why(
    row: Mapping[Any, Any], facts: Mapping[str, Any], follows: Sequence[tuple[str, float]], side: Side, images: int
) -> str:
    """How closely a unit follows the text, with the interval that so many independent images give, and which other words it
    follows, each with its correlation."""
    from engine.core.statistics import correlation_interval

    text, own = str(facts["text"]), int(row["words_above"]) == 0
    others = [f"{errors.escape(word)} {r:.2f}" for word, r in follows if word != text][: card.WORDS - 1]
    low, high = correlation_interval(np.array([float(row["score"])]), images)
    mark = f":{colours.NAMES[side]}[***r* {float(row['score']):.2f}**] :small[({low[0]:.2f} to {high[0]:.2f})]"
    return f"{mark}  \n:small[{'then' if own else 'before it'} {', '.join(others)}]"


def groups(result: Result) -> tuple[list[int], list[tuple[str, list[int]]]]:
    """Rows of the table of units: those that follow no word more than the text, and the others by the word that they follow
    most: first the group of the best of these units, then words with several."""
    above, most = result.tables["units"]["words_above"].tolist(), result.arrays["words"][:, 0].tolist()
    own = [place for place, words_above in enumerate(above) if words_above == 0]
    by_word: dict[str, list[int]] = {}
    for place in (place for place, words_above in enumerate(above) if words_above):
        by_word.setdefault(str(result.facts["words"][most[place]]), []).append(place)
    best = min((places[0] for places in by_word.values()), default=0)
    return own, sorted(by_word.items(), key=lambda group: (group[1][0] != best, -len(group[1])))


def beside(row: Mapping[Any, Any], follows: Sequence[tuple[str, float]]) -> str:
    """What else a found unit follows, each with its correlation; `follows` begins with the word that it follows most."""
    above, z, most = int(row["words_above"]), words.number(float(row["z"])), follows[0][0]
    told = f"The correlation is {z} standard deviations above what exchanged kinds of images give. "
    told += f"With words: {', '.join(f'{errors.escape(word)} {score:.2f}' for word, score in follows)}."
    if above == 0:
        return f"Follows no word more closely than this text. {told}"
    others = "" if above == 1 else f" and {above - 1:,} other word{'s' if above > 2 else ''}"
    return f"Follows “{errors.escape(most)}”{others} more closely than this text. {told}"
