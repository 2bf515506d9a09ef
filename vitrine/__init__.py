"""Vitrine in a notebook or a script: the requests of the pages, with the same results under the same keys.

    import vitrine

    model = vitrine.load("starter-vit")                       # any model that the pages know
    model.sites                                               # the tensors inside it, by name
    model.read(images, "blocks.6.mlp.hidden")                 # what they hold: (image, position, unit)

    mine = vitrine.load(my_module, size=64, mean=0.5, std=0.5)  # any torch.nn.Module of yours

    pictures = vitrine.visualize("starter-vit@blocks.6.mlp.hidden:0-7")
    pictures                                                  # shows itself in a notebook
    pictures.images, pictures.table, pictures.figure(), pictures.save("folder")

Every experiment is a function here: `visualize`, `index`, `background`, `frequency`, `texture`, `counterfactual`,
`gradient_spectrum`, `challenge`, `spatial_layers`, `spatial_last`, `spatial_moves`, `spatial_maps`, `name_units`,
`find_units`, `picture_words`, `unit_map`, `unit_cues`, `zero_shot`, `purity`, `explains`, `layer_paths`; `search` is
`find_units`. Their arguments are the fields of the request that they make, and `help(vitrine.visualize)` says what stands in the
result. See `vitrine.Model` and `vitrine.Result` for what models and results can do, `vitrine.models()` for the models there
are.

`vitrine.sweep("starter-vit", units="0-63")` makes many units of many layers in parts: see `vitrine.Sweep`.

`vitrine.connect(url, token)` gives a server on which the same functions are computed: see `vitrine.Server`.

Importing this module is quick; torch is imported when something is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from vitrine import house

house.open_door()

_WHERE = {
    **dict.fromkeys(("load", "models", "Model"), "loading"),
    **dict.fromkeys(("Result", "VitrineError"), "results"),
    **dict.fromkeys(("connect", "Server"), "remote"),
    **dict.fromkeys(("sweep", "Sweep"), "sweeps"),
}


def __getattr__(name: str) -> Any:
    """What is asked for, imported when it is asked for the first time."""
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _WHERE:
        found = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    else:
        found = import_module(f"{__name__}.experiments").functions().get(name)
    if found is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; dir({__name__}) lists what there is")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*_WHERE, *import_module(f"{__name__}.experiments").functions()])
