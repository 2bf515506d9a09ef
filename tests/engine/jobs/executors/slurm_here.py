"""SLURM's commands for one machine, as far as submitit uses them: jobs are processes, and their states are files.

install(folder)     puts sbatch, srun, sacct, scancel and scontrol into a folder, to be put first in PATH
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

COMMANDS = ("sbatch", "srun", "sacct", "scancel", "scontrol")


def install(folder: Path) -> None:
    """The commands, which keep what they know in `folder/state`."""
    (folder / "state").mkdir(parents=True)
    for name in COMMANDS:
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {folder / "state"} {name} "$@"\n')
        script.chmod(0o755)


def set_state(state: Path, job: str, text: str, process: int | None = None) -> None:
    partial = state / f".{job}"
    partial.write_text(json.dumps([text, process]))
    partial.replace(state / job)


def sbatch(state: Path, arguments: list[str]) -> None:
    script = Path(arguments[-1]).read_text()
    (state / "script").write_text(script)
    number = str(1000 + len(list(state.glob("array-*"))))
    (state / f"array-{number}").write_text("")
    array = re.search(r"#SBATCH --array=0-(\d+)%(\d+)", script)
    count, limit = (int(array[1]) + 1, int(array[2])) if array else (1, 1)
    names = [f"{number}_{task}" for task in range(count)] if array else [number]
    for name in names:
        set_state(state, name, "PENDING")
    command = [sys.executable, __file__, str(state), "run", arguments[-1], str(limit), *names]
    with open(state / "log", "ab") as log:
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    print(f"Submitted batch job {number}")


def run(state: Path, arguments: list[str]) -> None:
    """Work an array off: so many tasks at once, a task that was requeued once more."""
    script, limit, waiting, running = arguments[0], int(arguments[1]), arguments[2:], {}
    while waiting or running:
        while waiting and len(running) < limit:
            name = waiting.pop(0)
            if json.loads((state / name).read_text())[0] == "CANCELLED":
                continue
            job, _, task = name.partition("_")
            seen = {"SLURM_JOB_ID": job, "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}
            if task:
                seen |= {"SLURM_ARRAY_JOB_ID": job, "SLURM_ARRAY_TASK_ID": task}
            running[name] = subprocess.Popen(["bash", script], env=os.environ | seen, start_new_session=True)
            set_state(state, name, "RUNNING", running[name].pid)
        for name, process in [*running.items()]:
            if (code := process.poll()) is not None:
                del running[name]
                if (state / f"requeue-{name}").exists():
                    (state / f"requeue-{name}").unlink()
                    set_state(state, name, "PENDING")
                    waiting.append(name)
                elif json.loads((state / name).read_text())[0] != "CANCELLED":
                    set_state(state, name, "COMPLETED" if code == 0 else "FAILED")
        time.sleep(0.05)


def srun(state: Path, arguments: list[str]) -> None:
    rest = list(arguments)
    while rest and rest[0].startswith("--"):
        rest = rest[1:] if "=" in rest[0] or rest[0] == "--unbuffered" else rest[2:]
    os.execvp(rest[0], rest)


def sacct(state: Path, arguments: list[str]) -> None:
    print("JobID|State|NodeList")
    asked = {arguments[place + 1] for place, word in enumerate(arguments) if word == "-j"}
    for path in sorted(state.glob("[0-9]*")):
        if path.name.partition("_")[0] in asked:
            print(f"{path.name}|{json.loads(path.read_text())[0]}|here")


def scancel(state: Path, arguments: list[str]) -> None:
    for name in [word for word in arguments if not word.startswith("-")]:
        for path in [state / name] if (state / name).exists() else state.glob(f"{name}_*"):
            _, process = json.loads(path.read_text())
            set_state(state, path.name, "CANCELLED")
            if process:
                with suppress(ProcessLookupError):
                    os.killpg(process, signal.SIGKILL)


def scontrol(state: Path, arguments: list[str]) -> None:
    if arguments[0] == "requeue":
        (state / f"requeue-{arguments[1]}").write_text("")


if __name__ == "__main__":
    {each.__name__: each for each in (sbatch, run, srun, sacct, scancel, scontrol)}[sys.argv[2]](
        Path(sys.argv[1]), sys.argv[3:]
    )
