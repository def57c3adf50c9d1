"""The check of one function, of one file, of many, each file in a process of its own."""
