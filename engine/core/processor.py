"""What the machine's processor is called and can do, and how to wait for a device."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path

import torch

# What may limit the instructions that torch (the first) and its matrix products on a CPU (the others) use.
LIMITS = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
# In oneDNN's names of instruction sets: those that multiply bfloat16, which each later one contains.
_MULTIPLY_BFLOAT16 = ("BF16", "FP16", "AMX", "AVX10", "DEFAULT", "ALL")


def name(device: torch.device) -> str:
    """What the device is called, without what a process may change of it (the number of threads)."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return "Apple GPU" if device.type == "mps" else processor()


@cache
def processor() -> str:
    """The name of the CPU, in its maker's words where the system tells them."""
    names = _lines_of_cpuinfo("model name")
    return names[0] if names else platform.processor() or platform.machine() or "CPU"


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions that multiply bfloat16, and torch may use them: on a CPU the matrix units of AMX,
    AVX512-BF16 or Arm's BF16; on a CUDA card compute capability 8.0. Apple's GPUs only show it when measured.

    Where this is False bfloat16 is emulated, up to a hundred times more slowly than float32.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return True
    if platform.machine().lower() in ("aarch64", "arm64"):
        return "bf16" in flags() and os.environ.get(LIMITS[0], "").lower() != "default"
    limits = [os.environ[variable].upper() for variable in LIMITS[1:] if os.environ.get(variable)]
    within_limits = all(any(part in limit for part in _MULTIPLY_BFLOAT16) for limit in limits)
    has_units = not flags().isdisjoint({"amx_bf16", "avx512_bf16"})
    return has_units and within_limits and torch.backends.cpu.get_cpu_capability() == "AVX512"


@cache
def flags() -> frozenset[str]:
    """The CPU's capabilities in Linux's words. Elsewhere those of x86 that torch tells of; none where nobody does."""
    lines = _lines_of_cpuinfo("flags") or _lines_of_cpuinfo("Features")
    if lines:
        return frozenset(lines[0].split())
    told = {"amx_bf16": "_is_amx_tile_supported", "avx512_bf16": "_is_avx512_bf16_supported"}
    return frozenset(flag for flag, asks in told.items() if getattr(torch.cpu, asks, lambda: False)())


def _lines_of_cpuinfo(field: str) -> list[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [value.strip() for key, _, value in (line.partition(":") for line in lines) if key.strip() == field]


def wait(device: torch.device) -> None:
    """Until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
