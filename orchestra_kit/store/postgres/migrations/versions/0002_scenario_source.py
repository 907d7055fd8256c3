"""Scenarios keep what the document they were imported from says beyond them."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; its grants and row security are those of the table."""
    op.execute("ALTER TABLE test_scenario ADD COLUMN source json NOT NULL DEFAULT '{}'")
