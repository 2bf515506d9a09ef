#!/usr/bin/env bash
# On a machine with a GPU: the tests that need one, then docs/benchmarks-gpu.md. Under ten minutes.
#   bash bench/device.sh [further arguments of bench.device]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python="${PYTHON:-.venv/bin/python}"
"$python" -m pytest -q tests/engine/visualization/optimization/test_on_gpu.py
"$python" -m bench.device --out docs/benchmarks-gpu.md "$@"
