"""`Tensor`: operators, NumPy's protocols, what a recording keeps, and the sweep back."""
