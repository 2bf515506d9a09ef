"""The numbers of all experiments for several seeds of both starter models: what holds of the two architectures, and what of
one network.

    python -m starter.make.seeds --scenes TRAIN --out RUN [--seeds 0,1,2,3] [--models starter-vit,starter-cnn]

Trains what is not trained yet (resumable), measures what is not measured yet or was by another version of its experiment, and
writes `starter/seeds.csv` and `docs/seeds.md` after each network. Seed 0 is what ships, and needs no training set. Without
--scenes only what is trained is measured. All that are compared were trained in bfloat16; the ViT that ships was trained in
float32, and stands beside.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

HERE = Path(__file__).parents[2]
TABLE, PAGE = HERE / "starter" / "seeds.csv", HERE / "docs" / "seeds.md"
PRECISION = "bfloat16"
BESIDE = ("starter-vit", 0)
"""The network that was trained in another precision: not counted where seeds are compared."""
SITES = {"starter-vit": "blocks.6.mlp.hidden", "starter-cnn": "stages.2.blocks.1"}
COLUMNS = ["model", "seed", "number", "value", "low", "high", "version"]
OLD = "*"
Three = tuple[float, float, float]


def own(name: str, experiment: str) -> dict[str, Any]:
    """What is asked of a network's own layers: the one three quarters down, or all of the main ones."""
    site = SITES[name]
    return {
        "purity": {"role": "mlp.hidden" if name == "starter-vit" else "stage.block"},
        "visualize": {"site": site, "units": tuple(range(32))},
        "explains": {"sites": (site,), "units": tuple(range(16)), "observer": "starter-clip"},
        "name-units": {"site": site, "reader": "starter-clip"},
    }.get(experiment, {})


def run(name: str, seed: int, out: Path) -> Path:
    """The folder of a network's training and of what is made of it."""
    return out / f"{name}-{seed}"


def train(name: str, seed: int, scenes: Path, out: Path) -> None:
    """Train a network to the end, or go on where that was left, and write its weights and card."""
    folder = run(name, seed, out)
    common = [sys.executable, "-m"]
    training = [*common, "starter.make.train", "--model", name, "--seed", str(seed), "--scenes", str(scenes)]
    subprocess.run([*training, "--out", str(folder), "--precision", PRECISION], check=True, cwd=HERE)
    finishing = [*common, "starter.make.finish", "--model", name, "--run", str(folder), "--out", str(folder)]
    subprocess.run(finishing, check=True, cwd=HERE)


def register(out: Path) -> None:
    """Make the trained networks models of Vitrine: `local/starter-vit-1` and so on."""
    from starter.make.train import MODELS

    lines = []
    for weights in sorted(out.glob("starter-*-[0-9]*/starter-*.safetensors")):
        architecture, options = MODELS[weights.stem]
        given = ", ".join(f"{name} = {value}" for name, value in options.items() if not isinstance(value, str))
        given += "".join(f', {name} = "{value}"' for name, value in options.items() if isinstance(value, str))
        lines += ["[[model]]", f'name = "{weights.parent.name}"', f'architecture = "{architecture}"']
        lines += [
            f'weights = "{weights.relative_to(out)}"',
            f'classes = "{HERE / "starter" / "scenes" / "kinds.json"}"',
        ]
        lines += ["input_size = 96", "mean = [0.5, 0.5, 0.5]", "std = [0.5, 0.5, 0.5]", f"kwargs = {{ {given} }}", ""]
    (out / "models.toml").write_text("\n".join(lines), encoding="utf-8")
    (out / "vitrine.toml").write_text(f'models_toml = "{out / "models.toml"}"\n', encoding="utf-8")


def at(result: Any, table: str, column: str, place: int = 0, **where: Any) -> Three:
    """A value of a table with its interval, in the first row (or that of `place`) where columns have these values."""
    rows = result.tables[table]
    for name, value in where.items():
        rows = rows[rows[name] == value]
    row = rows.iloc[place]
    low, high = (f"{column}_low", f"{column}_high") if f"{column}_low" in rows else ("low", "high")
    return float(row[column]), float(row[low]), float(row[high])


def rest(share: Three) -> Three:
    """What a share leaves of the whole."""
    value, low, high = share
    return 1 - value, 1 - high, 1 - low


def fact(result: Any, name: str) -> Three:
    value, low, high = result.facts[name]
    return float(value), float(low), float(high)


@dataclass(frozen=True)
class Number:
    """A line of the table: what it says, in which experiment with which settings, and how it is read off the result."""

    name: str
    experiment: str
    read: Callable[[Any], Three]
    settings: Mapping[str, Any] = field(default_factory=dict)
    percent: bool = True


def numbers() -> list[Number]:
    """All lines. Shares are of 1."""
    lines = [
        Number("accuracy, object at home", "counterfactual", lambda r: at(r, "accuracy", "top1", variant="home")),
        Number("accuracy, object elsewhere", "counterfactual", lambda r: at(r, "accuracy", "top1", variant="other")),
        Number("reliance on the place, calibrated", "counterfactual", lambda r: fact(r, "reliance"), percent=False),
        Number(
            "answers to empty places that live there",
            "counterfactual",
            lambda r: rest(at(r, "answers", "share", variant="place", answer="another kind")),
        ),
        Number(
            "accuracy on the object alone (mask, black)",
            "background",
            lambda r: at(r, "variants", "top1", variant="foreground", fill="black"),
            {"cut": "mask"},
        ),
        Number("half cut-off of low-pass filters", "frequency", lambda r: fact(r, "low_half_cutoff"), percent=False),
        Number("half cut-off of high-pass filters", "frequency", lambda r: fact(r, "high_half_cutoff"), percent=False),
        Number("shape against texture", "texture", lambda r: fact(r, "shape_bias")),
        Number(
            "accuracy, 4 x 4 shuffled patches",
            "texture",
            lambda r: at(r, "variants", "top1", variant="shuffled", fill="4 x 4"),
        ),
    ]
    for place, word in ((0, "first"), (-1, "last")):

        def of_block(column: str, place: int = place) -> Callable[[Any], Three]:
            return lambda r: at(r, "layers", column, place)

        lines += [
            Number(
                f"mean frequency of gradients, {word} block",
                "gradient-spectrum",
                of_block("mean_frequency"),
                percent=False,
            ),
            Number(
                f"localisation on strongest images, {word} block",
                "spatial-layers",
                of_block("localisation_strongest"),
                percent=False,
            ),
            Number(f"units that mark the object, {word} block", "spatial-layers", of_block("object_share")),
            Number(f"R² of position, {word} block", "spatial-layers", of_block("position_r2"), percent=False),
            Number(f"uniformity of maps, {word} block", "spatial-layers", of_block("map_uniformity"), percent=False),
        ]
    lines += [
        Number("uniform attention in the last block costs", "spatial-last", uniform_last),
        Number("units that follow a concept beyond likeness", "purity", lambda r: at(r, "overall", "beyond_likeness")),
        Number("units with a name, three quarters down", "name-units", named),
        Number("pictures above every control, three quarters down", "visualize", good),
        Number(
            "observer is right, shown top images", "explains", lambda r: at(r, "layers", "accuracy", shown="top images")
        ),
        Number("observer is right, shown the picture", "explains", lambda r: at(r, "layers", "accuracy", shown="fast")),
    ]
    return lines


def uniform_last(result: Any) -> Three:
    """Loss of accuracy; NaN for a network without attention."""
    table = result.tables["accuracy"]
    rows = table[(table["experiment"] == "uniform") & table["head"].isna()] if len(table) else table
    if not len(rows):
        return math.nan, math.nan, math.nan
    row = rows.sort_values("index").iloc[-1]
    return -float(row["difference"]), -float(row["difference_interval_high"]), -float(row["difference_interval_low"])


def named(result: Any) -> Three:
    """The share of units that keep a name, over units."""
    from engine.core.statistics import share

    count = len(result.arrays["p"])
    value = float(result.facts["named"])
    return value, *share(round(value * count), count)


def good(result: Any) -> Three:
    from engine.visualization.scoring.table import summary

    numbers = summary(result)
    return numbers["good"], numbers["good_low"], numbers["good_high"]


def version_of(number: Number) -> int:
    """The present version of the experiment that a number comes from."""
    from engine.core import experiments

    return experiments.find(number.experiment).kind.version


def wanted(table: pd.DataFrame, name: str, seed: int) -> list[Number]:
    """The numbers of a network that are not in the table, or were made by another version of their experiment."""
    mine = table[(table["model"] == name) & (table["seed"] == seed)].set_index("number")["version"].to_dict()
    return [number for number in numbers() if mine.get(number.name) != version_of(number)]


def measure(name: str, seed: int, asked: Sequence[Number]) -> pd.DataFrame:
    """These numbers of a network."""
    from engine.core import experiments
    from engine.core.request import build
    from vitrine.experiments import ask

    model, rows = name if seed == 0 else f"local/{name}-{seed}", []
    for number in asked:
        settings = {"data": "starter", **number.settings, **own(name, number.experiment)}
        result = ask(build(experiments.find(number.experiment).kind, model=model, **settings))
        rows.append([name, seed, number.name, *number.read(result), version_of(number)])
    return pd.DataFrame(rows, columns=COLUMNS)


def kept(table: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """The table with new rows in place of the former ones of the same network and number, in the order of the page."""
    what, order = COLUMNS[:3], [number.name for number in numbers()]
    joined = pd.concat([table, new], ignore_index=True).drop_duplicates(what, keep="last")
    return joined.sort_values(what, key=lambda column: column.map(order.index) if column.name == "number" else column)


def told(row: pd.Series | None, percent: bool, version: int | None = None) -> str:
    """A number with its interval; `version`: the present one, where a row of another is marked."""
    if row is None or not math.isfinite(row["value"]):
        return "–"
    form = (lambda value: f"{100 * value:.1f}") if percent else (lambda value: f"{value:.3f}")
    old = OLD if version is not None and row["version"] != version else ""
    return f"{form(row['value'])} ({form(row['low'])} to {form(row['high'])}){old}"


class Apart(NamedTuple):
    """First model minus second: means over seeds, with Welch's interval over networks, the smallest difference that they would
    have shown, and the probability of one as large where there is none."""

    value: float
    low: float
    high: float
    least: float
    p: float


def page(table: pd.DataFrame, models: Sequence[str]) -> str:
    """docs/seeds.md: a column a network, and what the seeds say of the two architectures."""
    present = [(model, seed) for model in models for seed in sorted(table[table["model"] == model]["seed"].unique())]
    named = [f"{model}, {'float32' if (model, seed) == BESIDE else f'seed {seed}'}" for model, seed in present]
    heads = ["", *named, "difference over seeds"]
    lines = [f"| {' | '.join(heads)} |", f"| {' | '.join(['---'] * len(heads))} |"]
    found: dict[str, Apart] = {}
    for number in numbers():
        mine, version = table[table["number"] == number.name].set_index(["model", "seed"]), version_of(number)
        cells = [told(mine.loc[key] if key in mine.index else None, number.percent, version) for key in present]
        unit = ", %" if number.percent else ""
        if (over := difference(mine, models, number.percent)) is not None:
            found[number.name] = over
        last = "–" if over is None else said(over, number.percent)
        lines.append(f"| {number.name}{unit} | {' | '.join(cells)} | {last} |")
    return "\n".join([ABOUT, *lines, *discoveries(found), ""])


def difference(mine: pd.DataFrame, models: Sequence[str], percent: bool) -> Apart | None:
    """The difference of the architectures; None for fewer than two seeds of either, and where none differ."""
    from engine.core.quantiles import beta_tail, student_quantile
    from engine.core.statistics import POWER

    counted = mine["value"].drop(BESIDE, errors="ignore").dropna()
    sides = [counted[counted.index.get_level_values("model") == model].to_numpy(float) for model in models]
    if len(sides) != 2 or min(len(side) for side in sides) < 2:
        return None
    errors = [float(side.var(ddof=1)) / len(side) for side in sides]
    error = sum(errors)
    if error == 0:
        return None
    freedom = error**2 / sum(each**2 / (len(side) - 1) for each, side in zip(errors, sides, strict=True))
    reach = student_quantile(0.975, freedom) * math.sqrt(error)
    least = reach + student_quantile(POWER, freedom) * math.sqrt(error)
    value = float(sides[0].mean() - sides[1].mean())
    most = 1.0 if percent else math.inf  # shares cannot be farther apart
    p = beta_tail(freedom / (freedom + value**2 / error), freedom / 2, 0.5)
    return Apart(value, max(value - reach, -most), min(value + reach, most), least, p)


def said(over: Apart, percent: bool) -> str:
    """A difference with its interval, and where that holds 0 which one would have been seen."""
    size = f"{100 * over.least:.1f}" if percent else f"{over.least:.3f}"
    seen = f"; {size} would have been seen" if over.low <= 0 <= over.high else ""
    return f"{told(pd.Series(over._asdict()), percent)}{seen}"


def discoveries(found: Mapping[str, Apart]) -> list[str]:
    """Which of the differences stand when all are held to one false discovery rate; nothing where there are none."""
    from engine.core.discovery import FALSE, cut

    if not found:
        return []
    most = cut(np.array([over.p for over in found.values()]))
    stand, fall = (
        [name for name, over in found.items() if not over.low <= 0 <= over.high and (over.p <= most) == held]
        for held in (True, False)
    )
    told = f"At a false discovery rate of {FALSE:.0%} over all {len(found)} differences these stand: "
    told += f"{'; '.join(stand) or 'none'}."
    more = f" By its own interval alone, and so no finding: {'; '.join(fall)}." if fall else ""
    return ["", told + more]


ABOUT = """# Several seeds

Made by `python -m starter.make.seeds --scenes TRAIN --out RUN`. Each column is a network, trained from another seed (of its
weights, the order of the scenes and their augmentation) on the same scenes, in bfloat16. The ViT that ships was trained in
float32; it stands first and is not counted. In brackets: 95% intervals over images, kinds or units; a dash where something was
not measured. The last column is of the architectures: the first model's mean over its seeds minus the second's, with Welch's
95% interval over networks. Where that interval holds 0, it says which difference so few networks would have shown in 80% of
cases; there, and where the column is empty, the numbers speak of these networks and not of architectures. A star marks what an
earlier version of its experiment measured: the weights of further seeds do not ship, so it was not measured again. Of purity the
shares are the same in both versions, and the earlier intervals are narrower than they should be.

Of 23 comparisons at 95% one or two would leave out zero by chance alone. Which differences stand when all are held to a false
discovery rate of 5% is said below the table.

All of it was measured in bfloat16. The findings have most of these numbers in float32, and some with other random draws, so
that a few differ in the last digits for the networks that ship: answers to empty places 88.6% there and 88.9% here, units with
a name 19.0% and 18.6%, units beyond likeness 9.7% and 9.6%, and what uniform attention costs 2.4% with an interval to 3.3 and
to 3.4.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, help="folder written by starter.make.training_set")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, weights and results")
    parser.add_argument("--models", default="starter-vit,starter-cnn")
    parser.add_argument("--seeds", default="0,1,2,3")
    args = parser.parse_args()
    models, out = args.models.split(","), args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    os.environ["VITRINE_CONFIG"] = str(out / "vitrine.toml")  # before the engine reads its settings
    for seed in map(int, args.seeds.split(",")):
        for name in models:
            weights = run(name, seed, out) / f"{name}.safetensors"
            if seed and not weights.exists() and args.scenes is not None:
                train(name, seed, args.scenes, out)
            register(out)
            table = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame(columns=COLUMNS)
            if (asked := wanted(table, name, seed)) and (seed == 0 or weights.exists()):
                table = kept(table, measure(name, seed, asked))
                table.to_csv(TABLE, index=False, float_format="%.6g")
            PAGE.write_text(page(table, ["starter-vit", "starter-cnn"]), encoding="utf-8")


if __name__ == "__main__":
    main()
