"""Contracts between use cases and adapters: narrow Protocols and frozen, JSON-serialisable messages."""
