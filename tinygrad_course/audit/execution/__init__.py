"""Running a file's functions: their namespace, stubs for what they import, statement by statement."""
