"""How Alembic runs a migration: on the connection it is given, within that connection's transaction."""

from alembic import context

from store.database import VERSION_TABLE, metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata,
                  version_table=VERSION_TABLE, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
