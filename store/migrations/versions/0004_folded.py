"""What of an entry is searched, folded once for all databases alike."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0004", "0003"
branch_labels = depends_on = None


def upgrade() -> None:
    """Add the column and fill it."""
    op.add_column("library_entry", sa.Column("folded", sa.Text, nullable=False, server_default=""))
    entries = sa.table("library_entry", *map(sa.column, ("id", "title", "notes", "author", "folded")))
    connection = op.get_bind()
    for key in connection.execute(sa.select(entries.c.id)).scalars().all():
        row = connection.execute(sa.select(entries.c.title, entries.c.notes, entries.c.author).where(
            entries.c.id == key)).one()
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", "\n".join(row)).casefold())
        connection.execute(sa.update(entries).where(entries.c.id == key).values(folded=text))


def downgrade() -> None:
    """Take the column away."""
    op.drop_column("library_entry", "folded")
