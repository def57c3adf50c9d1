"""A wrong function: its first wrong quantity, the change that makes it right, the mistake's name."""
