"""A program for people: as Python text in the user's names, and as a graph."""
