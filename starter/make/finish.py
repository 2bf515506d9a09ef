"""Turn a checkpoint into what ships: fp16 weights as safetensors and a card with the measured accuracy.

python -m starter.make.finish --model starter-vit --run FOLDER
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file

from engine.core.statistics import estimate
from starter.make.evaluate import correct, scenes
from starter.make.kinds import read_kinds
from starter.make.train import MODELS, PLAN, build

SHIPPED = Path(__file__).parents[1] / "models"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=list(MODELS), required=True)
    parser.add_argument("--run", type=Path, required=True, help="the folder of checkpoints that training wrote")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    args = parser.parse_args()
    state = torch.load(args.run / f"{args.model}.checkpoint.pt", weights_only=True, map_location="cpu")
    model = build(args.model, len(read_kinds()))
    # Rounded before it is measured: the card speaks of the weights that ship.
    half = {k: v.half() if v.is_floating_point() else v for k, v in state["average"].items()}
    model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in half.items()})
    args.out.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in half.items()}, args.out / f"{args.model}.safetensors")
    (args.out / f"{args.model}.safetensors").chmod(0o644)
    card = describe(args.model, model, state)
    (args.out / f"{args.model}.json").write_text(json.dumps(card, indent=1) + "\n")
    print(json.dumps({k: card[k] for k in ("top1", "top1_interval", "top5", "by_variant", "images_seen")}, indent=1))


def describe(name: str, model: torch.nn.Module, state: dict) -> dict:
    """The card: how to build the model again, what it was trained on, and how often it is right on held-out scenes."""
    architecture, options = MODELS[name]
    table = scenes()
    right, right5 = correct(model, 96, table), correct(model, 96, table, top=5)
    by_variant = {v: round(float(right[(table.variant == v).to_numpy()].mean()), 4) for v in ("home", "other")}
    _, low, high = estimate(right, clusters=table["set"].to_numpy())  # its home and the other place show one object
    return {
        "name": name,
        "architecture": architecture,
        "kwargs": options,
        "input_size": [3, 96, 96],
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "classes_file": "../scenes/kinds.json",
        "num_classes": model.get_parameter(list(dict(model.named_parameters()))[-1]).numel(),
        "top1": round(float(right.mean()), 4),
        "top1_interval": [round(low, 4), round(high, 4)],
        "top5": round(float(right5.mean()), 4),
        "by_variant": by_variant,
        "scenes_tested": len(table),
        "parameters": sum(p.numel() for p in model.parameters()),
        "images_seen": state["seen"],
        "training_minutes": round(state["seconds"] / 60, 1),
        "plan": {**asdict(PLAN), "seed": state.get("seed", PLAN.seed)},
        "licence": "MIT",
    }


if __name__ == "__main__":
    main()
