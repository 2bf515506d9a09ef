"""What a comparison of models found, as one would say it to a colleague: with intervals, and with what could have been seen."""

from __future__ import annotations

import math
from typing import Any

from engine.core.statistics import Estimate, level_among, smallest_like
from engine.evaluation.comparison import Aligned, matched, paired, paired_places

_FILLED = {
    "black": "blacked out",
    "mean": "replaced by its mean colour",
    "blur": "blurred",
    "noise": "replaced by noise",
    "tile": "covered with tiles of the rest",
}


def shown(variant: str, fill: str = "") -> str:
    """What was done to the images, as a sentence begins: With the background blacked out."""
    gone = {"foreground": "background", "background": "object"}.get(variant)
    return f"With the {gone} {_FILLED.get(fill, 'removed')}" if gone else "On whole images"


def sentence(aligned: Aligned, variant: str = "foreground", fill: str = "") -> str:
    """How far one model lies behind another on a cut variant, and among the images that all get right whole: of the two that
    lie furthest apart, where there are more than two (intervals are then those of the largest of all pairs)."""
    name, its_fill = aligned.variants[aligned.place(variant, fill)]
    level = level_among(pairs(len(aligned.models)))
    every = paired(aligned, level)
    rows = [row for row in every if (row["variant"], row["fill"]) == (name, its_fill)]
    raw = max(rows, key=lambda row: abs(row["difference"]))
    control = matched(aligned, level)
    fair = next((row for row in control["paired"] if _same(row, raw)), None)
    told = f"{shown(name, its_fill)}{f' (of {len(aligned.models)} models)' if len(aligned.models) > 2 else ''}, "
    if not sign(raw):
        told += unseen(raw)
    else:
        whole = next(row for row in every if row["variant"] == "full" and _pair(row) == _pair(raw))
        told += _behind(raw, "is" if sign(whole) == sign(raw) else "falls")
    if fair is None:
        return f"{told}. No image is classified correctly whole by all models, so strength alone is not taken out."
    among = f"Among the {control['n']} images that {_all(aligned)} get right whole"
    if not sign(raw) and not sign(fair):
        return f"{told}."
    return f"{told}. {among}, {_behind(fair, 'is') if sign(fair) else unseen(fair)}."


def cuts(aligned: Aligned) -> list[str]:
    """A sentence for objects alone and one for backgrounds alone, where they were measured. Where it is known which kinds live at
    a place there is none for backgrounds: a place names hardly any kind, so that accuracy on it can show no difference, and
    `places` says what can be seen."""
    there = {name for name, _ in aligned.variants}
    told = ["foreground"] if aligned.lives is not None else ["foreground", "background"]
    return [sentence(aligned, name) for name in told if name in there]


def without_background(aligned: Aligned) -> str:
    """Which of two models loses more when the background goes, filled the first way, of the images that both get right whole
    (of more models the two that lie furthest apart, with intervals as in `sentence`). Empty where nothing of the kind was
    measured.

    What a model leans on is more than one fill can say: another one may turn the order round.
    """
    control = matched(aligned, level_among(pairs(len(aligned.models))))
    rows = [row for row in control["paired"] if row["variant"] == "foreground"]
    if not rows:
        return ""
    row = max((row for row in rows if row["fill"] == rows[0]["fill"]), key=lambda row: abs(row["difference"]))
    several = f" (of {len(aligned.models)} models, the two furthest apart)" if len(aligned.models) > 2 else ""
    done = f"{shown('foreground', row['fill'])}{several}"
    among = f"of the images that {_all(aligned)} get right whole"
    if not sign(row):
        return f"{done}, neither {row['a']} nor {row['b']} was seen to lose more {among}: {unseen(row)}."
    more, less = (row["a"], row["b"]) if row["difference"] < 0 else (row["b"], row["a"])
    return f"{done}, {more} loses {gap(row).replace(' points', f' points more than {less}', 1)}, {among}."


def pairs(models: int) -> int:
    """Of how many pairs of models the two are chosen that lie furthest apart."""
    return models * (models - 1) // 2


def unseen(row: dict[str, Any]) -> str:
    """A difference that was not seen, with the one that would have been."""
    return (
        f"no difference between {row['a']} and {row['b']} was seen ({points(row['interval'])} points); one of "
        f"{_number(row['smallest'], _digits(row['interval']))} points would have been, in 80% of samples"
    )


def points(interval: tuple[float, float]) -> str:
    """An interval in percentage points: 8 to 16, or −0.7 to 0.7."""
    digits = _digits(interval)
    return " to ".join(_number(end, digits) for end in interval)


def sign(row: dict[str, Any]) -> int:
    """Which side of zero the interval of a difference lies on; 0 where it holds zero."""
    low, high = row["interval"]
    return 1 if low > 0 else -1 if high < 0 else 0


def gap(row: dict[str, Any]) -> str:
    """How large a difference is, whichever side it is on: 12 points (8 to 16)."""
    low, high = sorted(abs(end) for end in row["interval"])
    return f"{_number(abs(row['difference']), _digits((low, high)))} points ({points((low, high))})"


def _behind(row: dict[str, Any], verb: str) -> str:
    last, first = (row["a"], row["b"]) if row["difference"] < 0 else (row["b"], row["a"])
    return f"{last} {verb} {gap(row).replace(' points', ' points behind ' + first, 1)}"


def _digits(interval: tuple[float, float]) -> int:
    """Decimal places that mean something beside an interval so wide: none from three points on."""
    low, high = interval
    return 0 if high - low >= 0.03 and max(abs(low), abs(high)) >= 0.02 else 1


def _number(value: float, digits: int) -> str:
    rounded = round(100 * value, digits) + 0.0  # never minus nothing
    return f"{rounded:.{digits}f}".replace("-", "−") if math.isfinite(rounded) else "unknown"


def _pair(row: dict[str, Any]) -> tuple[str, str]:
    return row["a"], row["b"]


def _same(row: dict[str, Any], like: dict[str, Any]) -> bool:
    return all(row[name] == like[name] for name in ("a", "b", "variant", "fill"))


def _all(aligned: Aligned) -> str:
    return "both" if len(aligned.models) == 2 else "all"


def places(row: dict[str, Any]) -> str:
    """How much more often one model's answers to backgrounds alone live at the place shown, from a row of `paired_places`."""
    if not sign(row):
        return f"Shown backgrounds alone ({row['fill']}), {unseen(row)}."
    more, less = (row["a"], row["b"]) if row["difference"] > 0 else (row["b"], row["a"])
    size = gap(row).replace(" points", " points more often", 1)
    return f"Shown backgrounds alone ({row['fill']}), {more} names a kind that lives there {size} than {less}."


def every_place(aligned: Aligned) -> list[str]:
    """`places` of every pair of models and every way in which the object's hole is filled: all of them are told, so that the
    intervals allow for their number."""
    return [places(row) for row in paired_places(aligned, level_among(len(paired_places(aligned))))]


def moved(row: dict[str, Any]) -> str:
    """Which of two models loses more when the object is moved, from a row of `engine.reliance.counterfactual.drops_apart`."""
    if not sign(row):
        return f"When the object is moved, {unseen(row)}."
    more, less = (row["a"], row["b"]) if row["difference"] > 0 else (row["b"], row["a"])
    size = gap(row).replace(" points", f" points more than {less}", 1)
    return f"When the object is moved, {more} loses {size}."


def empty(row: dict[str, Any]) -> str:
    """How much more often one model answers an empty place with a kind that lives there, from a row of
    `engine.reliance.counterfactual.places_apart`."""
    if not sign(row):
        return f"Shown the empty place, {unseen(row)}."
    more, less = (row["a"], row["b"]) if row["difference"] > 0 else (row["b"], row["a"])
    size = gap(row).replace(" points", " points more often", 1)
    return f"Shown the empty place, {more} names a kind that lives there {size} than {less}."


def halves(row: dict[str, Any]) -> str:
    """How far apart the cut-offs lie that take half of the accuracy of two models, or how far they would have to, from a row of
    `engine.reliance.frequency.paired`; empty where a curve does not fall so low."""
    if row["half_cutoff"] is None:
        return ""
    found = Estimate(*row["half_cutoff"])
    low, high = sorted((found.low, found.high))
    if low <= 0 <= high:
        least = smallest_like(found, row["level"])
        could = (
            f"one of {least:.3f} of Nyquist would have been, in 80% of samples"
            if math.isfinite(least)
            else "which would have been is not known, since in many samples a curve does not fall to half"
        )
        return (
            f"No difference between the cut-offs of {row['a']} and {row['b']} was seen ({between(low, high)}); {could}."
        )
    less, more = (row["a"], row["b"]) if high < 0 else (row["b"], row["a"])
    size, (near, far) = abs(found.value), sorted((abs(low), abs(high)))
    return f"On the same images, {less}'s cut-off is {size:.3f} of Nyquist ({between(near, far)}) below {more}'s."


def between(low: float, high: float, digits: int = 3) -> str:
    """An interval in words, of which an end may be open: 0.084 to 0.089, at most 0.089, at least 0.084."""
    ends = [f"{end:.{digits}f}".replace("-", "−") for end in (low, high)]
    if math.isfinite(low) and math.isfinite(high):
        return " to ".join(ends)
    if math.isfinite(low) or math.isfinite(high):
        return f"at most {ends[1]}" if math.isfinite(high) else f"at least {ends[0]}"
    return "interval unknown"
