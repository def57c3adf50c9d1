"""From one program to a better one of the same results."""
