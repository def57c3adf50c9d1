"""The unit cases that the assignments published: for each record's name, a function that measures it."""

from models.unit_cases import first_course, second_course

__all__ = ["CASES"]

CASES = first_course.CASES | second_course.CASES
