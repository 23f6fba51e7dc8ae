"""
What is remembered: PostgreSQL, and nothing else.

Read `tables.py` (the shared schema), `sql/` (the functions which decide and
write in the database), then `database.py` and `unit_of_work.py`.
"""
