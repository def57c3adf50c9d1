"""How many mistakes the audit catches, and how many it names: ``python -m benchmarks.audit``."""
