"""The SQL of the journal: its schema, its connection, and jobs and chunks as rows."""
