"""The course's networks, each a program: ``python -m models`` holds them against what was published."""
