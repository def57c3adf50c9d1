"""A wrong function: the first wrong quantity, the changed line that makes it right, and the mistake's name."""
