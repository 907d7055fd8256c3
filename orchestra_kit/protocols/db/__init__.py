"""SQL databases, read only."""

from orchestra_kit.protocols.db.plugin import plugin

__all__ = ["plugin"]
