"""HTTP services described by OpenAPI."""

from orchestra_kit.protocols.http.plugin import plugin

__all__ = ["plugin"]
