"""A program as Python that calls NumPy into memory which is kept."""
