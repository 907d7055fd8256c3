"""Alembic migrations of the schema; `HEAD` is the newest revision, known here without importing alembic."""

HEAD = "0002"
VERSION_SCHEMA = "orchestra_meta"
"""Where alembic keeps its version: outside `public`, where every table has row security."""
