"""What every run of a worker shares: store, plugins, secrets, sealing, time, limits. Built once by the composition root."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from orchestra_kit.engine.calls import CallLanes
from orchestra_kit.engine.events import Announcer, EventSink
from orchestra_kit.engine.programs import ProgramShelf
from orchestra_kit.engine.settings import EngineSettings
from orchestra_kit.errors import CannotJudgeError, StoreUnavailableError
from orchestra_kit.model import ChannelType, OperationSummary, ProtocolSpec
from orchestra_kit.spi.clock import Clock
from orchestra_kit.spi.plan import SpecReader, SpecRef
from orchestra_kit.spi.protocol import ProtocolPlugin, SecretResolver, StepExecutor
from orchestra_kit.spi.sealing import Sealer
from orchestra_kit.spi.work import WorkStore

_log = logging.getLogger(__name__)
_LONGEST_PAUSE = 2.0

Answer = TypeVar("Answer")


class Equipment:
    """The tools of one worker. Safe for many threads. `secrets` gives the resolver of a tenant's own namespace."""

    def __init__(
        self,
        *,
        store: WorkStore,
        plugins: Mapping[ChannelType, ProtocolPlugin],
        sealer: Sealer,
        clock: Clock,
        secrets: Callable[[str], SecretResolver],
        specs: SpecReader,
        settings: EngineSettings | None = None,
        sinks: tuple[EventSink, ...] = (),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.store, self.plugins, self.sealer, self.clock = store, plugins, sealer, clock
        self.secrets, self.specs, self.chance = secrets, specs, chance
        self.settings = settings or EngineSettings()
        self.announce = Announcer(sinks)
        self.lanes = CallLanes()
        self.programs = ProgramShelf()
        self._lock = threading.Lock()
        self._executors: dict[ChannelType, StepExecutor] = {}
        self._operations: dict[tuple[str, str, int], dict[str, OperationSummary]] = {}
        self._background: ThreadPoolExecutor | None = None

    def plugin(self, channel: ChannelType | None) -> ProtocolPlugin:
        """Return the plugin of a channel; raise CannotJudgeError naming what is installed."""
        if channel is None or channel not in self.plugins:
            known = ", ".join(sorted(self.plugins)) or "none"
            raise CannotJudgeError(f"no plugin is installed for channel {channel}.", hint=f"Installed: {known}.")
        return self.plugins[channel]

    def executor(self, channel: ChannelType | None) -> StepExecutor:
        """Return this worker's executor for a channel, made when it is first needed."""
        made = self._executors.get(channel) if channel is not None else None
        if made is not None:
            return made
        plugin = self.plugin(channel)
        with self._lock:
            if plugin.channel_type not in self._executors:
                self._executors[plugin.channel_type] = plugin.make_executor()
            return self._executors[plugin.channel_type]

    def interface(
        self, tenant_id: str, reference: SpecRef | None, endpoint: str | None
    ) -> tuple[ProtocolSpec | None, OperationSummary | None]:
        """Return the interface version of an endpoint and the operation in it, as far as they are known."""
        if reference is None:
            return None, None
        spec = self.specs.get(tenant_id, reference)
        key = (tenant_id, reference.protocol_id, reference.version)
        if key not in self._operations:
            self._operations[key] = {item.endpoint_name: item for item in spec.parsed_summary.operations}
        return spec, self._operations[key].get(endpoint or "")

    @property
    def background(self) -> ThreadPoolExecutor:
        """Return the small pool that FIRE_AND_FORGET calls run on."""
        with self._lock:
            if self._background is None:
                self._background = ThreadPoolExecutor(self.settings.background_calls, thread_name_prefix="background")
            return self._background

    def persist(self, operation: Callable[[], Answer]) -> Answer:
        """Do something with the store, again and again while it does not answer, until patience ends.

        Every store operation may be repeated: what was applied already changes nothing.
        """
        give_up: float | None = None
        pause = 0.05
        while True:
            try:
                return operation()
            except StoreUnavailableError:
                now = self.clock.monotonic()
                give_up = now + self.settings.store_patience_seconds if give_up is None else give_up
                if now + pause > give_up:
                    raise
                self.clock.sleep(pause * (0.5 + self.chance()))
                pause = min(pause * 2, _LONGEST_PAUSE)

    def close(self) -> None:
        """Close pools and clients of all plugins, and end idle threads."""
        if self._background is not None:
            self._background.shutdown(wait=False, cancel_futures=True)
        for channel, executor in self._executors.items():
            try:
                executor.close()
            except Exception:  # noqa: BLE001 - every plugin gets its turn to close
                _log.exception("plugin did not close", extra={"channel": channel.value})
        self._executors.clear()
        self.lanes.close()
