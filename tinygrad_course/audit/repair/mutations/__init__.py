"""Changed statements, each named after the mistake that it undoes."""
