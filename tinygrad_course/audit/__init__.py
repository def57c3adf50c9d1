"""Find the mistake in a hand-written backward pass: which line is wrong, and what it probably should be.

``tinygrad-course check homework.py`` recognises the course's functions in a file and tries each against
what the graph says of the file's own forward pass, or against the course's formula. ``audit`` does it for
functions at hand, and ``check_file`` for a file, in a process of its own.

A process of its own keeps accidents apart. It is no sandbox against malice: check strangers' files in a
container without a network.
"""

from tinygrad_course.audit.command.in_process import audit
from tinygrad_course.audit.reporting.results import Finding, FunctionReport, Report
from tinygrad_course.audit.runner import Limits, check_file, check_files

__all__ = ["Finding", "FunctionReport", "Limits", "Report", "audit", "check_file", "check_files"]
