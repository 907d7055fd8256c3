"""The protocols this installation speaks, found through the entry-point group `orchestra_kit.protocols`."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from orchestra_kit.errors import DefinitionError
from orchestra_kit.model import ChannelType
from orchestra_kit.spi.protocol import ProtocolPlugin

GROUP = "orchestra_kit.protocols"
_BUILT_IN = (
    EntryPoint(name="HTTP_REST", value="orchestra_kit.protocols.http:plugin", group=GROUP),
    EntryPoint(name="DB", value="orchestra_kit.protocols.db:plugin", group=GROUP),
)


def load_plugins() -> dict[ChannelType, ProtocolPlugin]:
    """Return every installed plugin by its channel; raise DefinitionError naming the package of a broken one."""
    return read_plugins(entry_points(group=GROUP))


def read_plugins(points: Iterable[EntryPoint]) -> dict[ChannelType, ProtocolPlugin]:
    """Return the plugins behind `points`. Built-ins are there even where the distribution's metadata is not."""
    found = list(points)
    named = {point.name for point in found}
    found += [point for point in _BUILT_IN if point.name not in named]
    plugins: dict[ChannelType, ProtocolPlugin] = {}
    origins: dict[ChannelType, str] = {}
    for point in sorted(found, key=lambda one: (one.name, one.value)):
        plugin = _load(point)
        channel = plugin.channel_type
        if channel in plugins and origins[channel] != point.value:
            raise DefinitionError(
                f"two plugins claim the protocol {channel}: {origins[channel]} and {_origin(point)}.",
                hint="Uninstall one of them.",
            )
        plugins[channel] = plugin
        origins[channel] = point.value
    return plugins


def _load(point: EntryPoint) -> ProtocolPlugin:
    try:
        plugin = point.load()
    except Exception as exc:
        raise DefinitionError(
            f"protocol plugin '{point.name}' ({_origin(point)}) cannot be loaded: {type(exc).__name__}: {exc}.",
            hint="Reinstall or uninstall the package it comes from.",
        ) from exc
    if not isinstance(plugin, ProtocolPlugin):
        raise DefinitionError(
            f"protocol plugin '{point.name}' ({_origin(point)}) is a {type(plugin).__name__}, not a ProtocolPlugin."
        )
    if point.name != plugin.channel_type.value:
        raise DefinitionError(
            f"protocol plugin '{point.name}' ({_origin(point)}) says it speaks {plugin.channel_type.value}.",
            hint="The name of the entry point must be the channel type.",
        )
    return plugin


def _origin(point: EntryPoint) -> str:
    distribution = f" of {point.dist.name}" if point.dist is not None else ""
    return f"{point.value}{distribution}"
