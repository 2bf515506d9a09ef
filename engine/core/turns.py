"""How long a thread computes before the system gives its core to another.

A thread that computes for long asks for long turns. It gets as much of a core as before, but whoever has just come goes first:
with turns of the usual length a thread that is started to answer somebody waits three milliseconds for it, and each run of a
page is such a thread. Linux takes the wish from version 6.12 on (`sched_setattr(2)`); elsewhere nothing changes.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
import threading

LONG_SECONDS = 0.020
_CALLS = {"x86_64": (314, 315), "aarch64": (274, 275)}
"""The numbers of `sched_setattr` and `sched_getattr` by processor."""
_FIELDS = "IIQiIQQQ"  # size, policy, flags, nice, priority, runtime, deadline, period; times in nanoseconds


def long() -> bool:
    """Ask for long turns for this thread and those that it starts. False where that cannot be had."""
    return _ask(LONG_SECONDS)


def usual() -> bool:
    """Ask for turns of the usual length. False where that cannot be had."""
    return _ask(0.0)


def _ask(seconds: float) -> bool:
    if _numbers() is None:
        return False
    try:
        nice = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    except OSError:
        return False
    usual = 0  # the policy of all threads that ask for none
    asked = struct.pack(_FIELDS, struct.calcsize(_FIELDS), usual, 0, nice, 0, round(seconds * 1e9), 0, 0)
    return _call(0, asked) is not None


def of_this_thread() -> float | None:
    """The length of this thread's turns in seconds, as it was asked for; None where that cannot be known."""
    told = _call(1, bytes(struct.calcsize(_FIELDS)))
    return None if told is None else struct.unpack(_FIELDS, told)[5] / 1e9


def _numbers() -> tuple[int, int] | None:
    return _CALLS.get(platform.machine()) if sys.platform == "linux" else None


def _call(which: int, asked: bytes) -> bytes | None:
    """One of the two system calls for this thread, with what it leaves in the memory that it is handed; None where it fails."""
    if (numbers := _numbers()) is None:
        return None
    memory = ctypes.create_string_buffer(asked, len(asked))
    more = (len(asked),) if which else ()
    return memory.raw if ctypes.CDLL(None).syscall(numbers[which], 0, memory, *more, 0) == 0 else None
