"""The scenario library: entries and their versions."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None
branch_labels = depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "library_entry",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("code", sa.String(16), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("author", sa.String(60), nullable=False),
        sa.Column("newest", sa.Integer, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("deleted", sa.DateTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_library_entry"),
        sa.UniqueConstraint("code", name="uq_library_entry_code"),
        sqlite_autoincrement=True)
    op.create_table(
        "library_version",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("entry", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("rationale", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("author", sa.String(60), nullable=False),
        sa.Column("model", sa.String(40), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("restored", sa.Integer, nullable=True),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_library_version"),
        sa.UniqueConstraint("entry", "number", name="uq_library_version_entry"),
        sa.ForeignKeyConstraint(["entry"], ["library_entry.id"], name="fk_library_version_entry_library_entry"),
        sqlite_autoincrement=True)


def downgrade() -> None:
    """Take the tables away."""
    op.drop_table("library_version")
    op.drop_table("library_entry")
