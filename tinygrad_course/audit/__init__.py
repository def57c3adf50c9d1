"""Find the mistake in a hand-written backward pass."""
