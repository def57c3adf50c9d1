"""What the check says: as data, in a terminal, as a page, as a table of marks."""
