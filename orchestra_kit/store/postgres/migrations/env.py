"""Runs migrations on the connection that `migrate` hands in."""

from alembic import context

from orchestra_kit.store.postgres.migrations import VERSION_SCHEMA

context.configure(connection=context.config.attributes["connection"], version_table_schema=VERSION_SCHEMA)
with context.begin_transaction():
    context.run_migrations()
