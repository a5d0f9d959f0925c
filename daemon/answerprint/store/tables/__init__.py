"""The SQL of the journal: schema, connection, and jobs, events and chunks as rows."""
