"""Failed tries of room codes."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"
branch_labels = depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "room_try",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_room_try"),
        sqlite_autoincrement=True)
    op.create_index("ix_room_try_created", "room_try", ["created"])


def downgrade() -> None:
    """Take the table away."""
    op.drop_index("ix_room_try_created", "room_try")
    op.drop_table("room_try")
