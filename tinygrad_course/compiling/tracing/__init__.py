"""What a function does, noted call by call while it runs on tracers in place of its arrays."""
