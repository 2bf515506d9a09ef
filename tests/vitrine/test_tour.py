"""The notebook in docs/ runs from top to bottom as it is, and a module of one's own is found again in the next session."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, SESSION_CACHE

nbclient = pytest.importorskip(
    "nbclient", reason="the notebook is run with nbclient and ipykernel (requirements-dev.txt)"
)
pytest.importorskip("ipykernel", reason="the notebook is run with nbclient and ipykernel (requirements-dev.txt)")

TOUR = ROOT / "docs" / "tour.ipynb"


PATIENCE = 1500
"""Seconds that a cell may take: on two slow cores that other tests share, one that reads all scenes has taken over 300."""


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The code cells of the notebook after a run in a kernel of its own, in an empty folder."""
    return run(cells(), tmp_path_factory.mktemp("tour"))


def cells() -> list[str]:
    import nbformat

    return ["".join(cell.source) for cell in nbformat.read(TOUR, as_version=4).cells if cell.cell_type == "code"]


def run(sources: list[str], folder: Path) -> list[Any]:
    from nbformat import v4

    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    surroundings = {
        **os.environ,
        "VITRINE_CACHE": str(SESSION_CACHE),
        "PYTHONPATH": path,
        "IPYTHONDIR": str(folder / "ipython"),
    }
    client = nbclient.NotebookClient(notebook, timeout=PATIENCE, resources={"metadata": {"path": str(folder)}})
    client.execute(env=surroundings)
    return notebook.cells


def shown(cell: Any) -> str:
    """Everything that a cell displayed, as text and HTML."""
    datas = [output.data for output in cell.outputs if output.output_type in ("execute_result", "display_data")]
    return "\n".join(str(value) for data in datas for value in data.values())


@pytest.mark.slow
@pytest.mark.timeout(2 * PATIENCE)
def test_the_tour_runs_and_shows_what_it_promises(executed: list[Any]) -> None:
    where = {cell.source.partition("\n")[0]: shown(cell) for cell in executed}
    told = "\n".join(where.values())
    assert "(4, 145, 768)" in told
    assert where['pictures = vitrine.visualize("starter-vit@blocks.6.mlp.hidden:0-3")'].count("<img ") == 4
    assert "starter-vit@blocks.6.mlp.hidden:" in told, "units that follow the word"
    assert told.count("application/vnd.plotly") == 0, "data, not its type"
    assert sum("plotly" in str(output) for cell in executed for output in cell.outputs) >= 3, "charts"
    assert not any(output.output_type == "error" for cell in executed for output in cell.outputs)


@pytest.mark.slow
@pytest.mark.timeout(2 * PATIENCE)
def test_a_module_made_in_a_notebook_has_the_same_name_in_the_next_session(executed: list[Any], tmp_path: Path) -> None:
    first, again = cells()[0], [source for source in cells() if "class Edges" in source]
    _, own = run([first, *again], tmp_path)
    (name,) = set(re.findall(r"mine/Edges-[0-9a-f]{12}", shown(own)))
    assert name in "\n".join(map(shown, executed))
    _, changed = run([first, again[0].replace("torch.relu", "torch.tanh")], tmp_path)
    assert name not in shown(changed)


def test_the_notebook_is_kept_without_outputs() -> None:
    import nbformat

    notebook = nbformat.read(TOUR, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert 9 <= len(code) <= 12 and all(cell.outputs == [] and cell.execution_count is None for cell in code)
