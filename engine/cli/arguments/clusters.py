"""What `cluster` and its actions, and `worker`, take."""

from __future__ import annotations

from argparse import _SubParsersAction

from engine.cli.arguments.options import whole_number
from engine.cli.arguments.parsers import command


def clusters(commands: _SubParsersAction) -> None:
    """Runs on a cluster, and workers for a pool (docs/clusters.md)."""
    says = "runs on a SLURM cluster: what is done, what failed"
    group = commands.add_parser("cluster", help=says, description=f"{says.capitalize()}.")
    actions = group.add_subparsers(title="actions", metavar="ACTION", required=True)
    collect = command(
        actions, "collect", "cluster:collect_", "take in what was made so far, and say how each run stands"
    )
    collect.add_argument("run", nargs="*", metavar="RUN", help="which (default: all)")
    for name, says in (
        ("resend", "send the parts of a run again that failed or got lost"),
        ("cancel", "want no more of a run; what is finished stays"),
    ):
        command(actions, name, f"cluster:{name}", says).add_argument("run", metavar="RUN", help="which")
    worker = command(commands, "worker", "cluster:worker", "lend this machine's devices to a Dask pool, until Ctrl+C")
    worker.add_argument("address", metavar="ADDRESS", help="of the Dask scheduler, like tcp://host:8786")
    worker.add_argument("--processes", type=whole_number, metavar="N", help="how many (default: one for each GPU)")
