"""Pictures a minute of all of a machine's cores: one process with a thread for each, or several processes with one each.

    python -m bench.threads [--model starter-vit] [--cores 2] [--pictures 16] [--rounds 3]

Every way makes the same number of pictures with `fast` in batches of as many as it takes, after a warm-up, and starts at one
word; “bound” ties each process to cores of its own. The ways take turns, and the median counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

from bench.common import middle, open_model, say, table
from engine.visualization.goals import units_of
from engine.visualization.optimization.optimize import maximize
from engine.visualization.recipes import FAST


def work(name: str, pictures: int, steps: int) -> None:
    """What a process of a measurement does: say that it is ready, wait for the word, make its pictures."""
    model, recipe = open_model(name), FAST.model_copy(update={"steps": steps})
    site = middle(model)
    maximize(model, site, units_of(range(pictures)), FAST.model_copy(update={"steps": 1}), seed=0)
    print("ready", flush=True)
    sys.stdin.readline()
    maximize(model, site, units_of(range(pictures)), recipe, seed=0)
    print("done", flush=True)


def seconds(args: argparse.Namespace, processes: int, bound: bool) -> float:
    """From the word until the last process is done."""
    threads = args.cores // processes
    command = [sys.executable, "-m", "bench.threads", "--model", args.model, "--steps", str(args.steps), "--work"]
    command += [str(args.pictures // processes)]
    env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    cores = sorted(os.sched_getaffinity(0))[: args.cores]
    running: list[subprocess.Popen[str]] = []
    for number in range(processes):
        own = set(cores[number * threads : (number + 1) * threads]) if bound else set(cores)
        child = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        os.sched_setaffinity(child.pid, own)
        running.append(child)
    for child in running:
        assert child.stdout and child.stdout.readline() == "ready\n"
    start = time.perf_counter()
    for child in running:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in running:
        assert child.stdout and child.stdout.readline() == "done\n"
    taken = time.perf_counter() - start
    for child in running:
        child.communicate()
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="starter-vit")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--pictures", type=int, default=16)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--work", type=int, help="make so many pictures: what the processes of a measurement are called with"
    )
    args = parser.parse_args()
    if args.work:
        work(args.model, args.work, args.steps)
        return
    counts = [count for count in (1, 2, 4, 8, 16, 32, 64) if args.cores % count == 0 and args.pictures % count == 0]
    times = {(count, bound): list[float]() for count in counts for bound in (False, True)}
    for _ in range(args.rounds):
        for (count, bound), values in times.items():
            values.append(seconds(args, count, bound))
            say(f"{count} processes{', bound' if bound else ''}: {values[-1]:.2f} s")
    first = statistics.median(times[1, False])
    rows = []
    for (count, bound), values in times.items():
        middle_one = statistics.median(values)
        whole = 60 * args.pictures / middle_one * args.steps / FAST.steps
        rows.append(
            [
                str(count),
                str(args.cores // count),
                "yes" if bound else "no",
                f"{whole:.1f}",
                f"{first / middle_one:.2f}",
            ]
        )
    print(f"{args.model}, {args.cores} cores, {args.pictures} pictures, medians of {args.rounds}\n")
    print(table(["processes", "threads each", "bound", "pictures a minute", "times as fast as the first"], rows))


if __name__ == "__main__":
    main()
