"""What a processor can do, from what the system and torch say of it."""

from __future__ import annotations

import pytest
import torch

from engine.core import processor

CPU = torch.device("cpu")


@pytest.fixture
def cpu(monkeypatch: pytest.MonkeyPatch):
    """A CPU with these flags, this capability as torch tells it, and nothing in the environment."""
    for variable in processor.LIMITS:
        monkeypatch.delenv(variable, raising=False)

    def with_flags(*flags: str, capability: str = "AVX512", machine: str = "x86_64") -> bool:
        monkeypatch.setattr(processor, "flags", lambda: frozenset(flags))
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
        monkeypatch.setattr(processor.platform, "machine", lambda: machine)
        return processor.multiplies_bfloat16(CPU)

    return with_flags


def test_only_units_that_torch_may_use_count(cpu):
    assert cpu("avx512f", "amx_tile", "amx_bf16") and cpu("avx512f", "avx512_bf16")
    assert not cpu("avx2", capability="AVX2") and not cpu("avx512f", "avx512_vnni")
    assert not cpu("avx512f", "amx_bf16", capability="AVX2"), "ATEN_CPU_CAPABILITY=avx2"
    assert cpu("fp", "asimd", "bf16", capability="DEFAULT", machine="aarch64")
    assert not cpu("fp", "asimd", machine="aarch64")


@pytest.mark.parametrize("variable", ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"])
@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("AVX2", False),
        ("avx512_core_vnni", False),
        ("AVX512_CORE_BF16", True),
        ("avx512_core_amx", True),
        ("ALL", True),
    ],
)
def test_a_limit_on_the_instructions_of_matrix_products_is_heeded(cpu, monkeypatch, variable, limit, expected):
    cpu("avx512f", "amx_bf16")
    monkeypatch.setenv(variable, limit)
    assert processor.multiplies_bfloat16(CPU) is expected


def test_torchs_limit_is_heeded_on_arm(cpu, monkeypatch):
    cpu("bf16", machine="aarch64")
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    assert not processor.multiplies_bfloat16(CPU)


def test_the_name_of_this_machines_processor_is_known():
    assert processor.name(CPU) == processor.processor() != ""
