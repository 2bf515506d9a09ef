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
from typing import Any

import pandas as pd

HERE = Path(__file__).parents[2]
TABLE, PAGE = HERE / "starter" / "seeds.csv", HERE / "docs" / "seeds.md"
PRECISION = "bfloat16"
BESIDE = ("starter-vit", 0)
"""The network that was trained in another precision: not counted where seeds are compared."""
SITES = {"starter-vit": "blocks.6.mlp.hidden", "starter-cnn": "stages.2.blocks.1"}
COLUMNS = ["model", "seed", "number", "value", "low", "high", "version"]
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
    since: int = 0
    """The version of the experiment that last changed what this number means."""


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
            Number(f"units that mark the object, {word} block", "spatial-layers", of_block("object_share"), since=4),
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


def main() -> None:
    from starter.make.seeds_page import page

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
