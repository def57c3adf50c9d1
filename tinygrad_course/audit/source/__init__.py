"""Reading a file: its statements, its functions' signatures, what NumPy no longer has."""
