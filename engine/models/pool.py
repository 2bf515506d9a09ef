"""Loaded models, kept while memory lasts: least recently used first out.

Invariants: what is held and what is being loaded stay within the limit together, so that two that load at once do not exceed it;
there is at most one copy of a key at any time. Asking for it twice at once loads it once; a model that
was put out but is still in use somewhere is handed out again instead of being loaded a second time.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from engine.models.loaded import LoadedModel


class ModelPool:
    """Models under hashable keys (name, fingerprint, device). `limit_bytes` bounds the weights that the pool holds, those of
    the models' copies included: a copy that is made later counts from the next time that a model is asked for.

    A single model larger than the limit is kept alone: it is in use anyway. Putting a model out only drops the
    pool's reference, so whoever works with it is not disturbed.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._held: OrderedDict[Hashable, LoadedModel] = OrderedDict()
        self._alive: weakref.WeakValueDictionary[Hashable, LoadedModel] = weakref.WeakValueDictionary()
        self._loading: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._reserved: dict[int, int] = {}  # bytes that are being loaded, by thread

    def get(self, key: Hashable, load: Callable[[], LoadedModel], needs: int = 0) -> LoadedModel:
        """The model under `key`, loaded by `load` where it is not there; it `needs` so many bytes, about, for which room is made
        first. Errors of `load` pass on and are not kept."""
        if (model := self.find(key)) is not None:
            return model
        with self._lock:
            loading = self._loading.setdefault(key, threading.Lock())
        with loading:
            if (model := self.find(key)) is not None:
                return model
            with self._room(needs):
                model = load()
                with self._changed:
                    self._hold(key, model)
                return model

    def clear(self) -> None:
        """Put all models out."""
        with self._lock:
            self._held.clear()

    def keys(self) -> list[Hashable]:
        """The keys held, least recently used first."""
        with self._lock:
            return list(self._held)

    @property
    def memory_bytes(self) -> int:
        """Bytes of the weights held."""
        with self._lock:
            return self._bytes()

    @contextmanager
    def _room(self, needs: int) -> Iterator[None]:
        """Room for so many bytes beside what is held and what is being loaded: models are put out for it, and where that is not
        enough, it waits until others are loaded. Whoever is loading one already does not wait for itself."""
        mine = threading.get_ident()
        with self._changed:
            while self._reserved and mine not in self._reserved and not self._fits(needs):
                self._changed.wait()
            self._fits(needs)
            self._reserved[mine] = self._reserved.get(mine, 0) + needs
        try:
            yield
        finally:
            with self._changed:
                self._reserved[mine] -= needs
                if not self._reserved[mine]:
                    del self._reserved[mine]
                self._changed.notify_all()

    def _fits(self, needs: int) -> bool:
        """Put models out until so many bytes fit; whether they do."""
        loading = sum(self._reserved.values())
        while self._held and self._bytes() + loading + needs > self.limit_bytes:
            self._held.popitem(last=False)
        return self._bytes() + loading + needs <= self.limit_bytes

    def find(self, key: Hashable) -> LoadedModel | None:
        """The model under `key`, where it is in memory."""
        with self._lock:
            model = self._alive.get(key)
            if model is not None:
                self._hold(key, model)
            return model

    def _hold(self, key: Hashable, model: LoadedModel) -> None:
        self._alive[key] = model
        self._held[key] = model
        self._held.move_to_end(key)
        while len(self._held) > 1 and self._bytes() > self.limit_bytes:
            self._held.popitem(last=False)

    def _bytes(self) -> int:
        return sum(model.memory_bytes for model in self._held.values())
