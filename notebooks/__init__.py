"""The course as notebooks, made from one source for both languages."""
