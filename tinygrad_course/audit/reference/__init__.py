"""What is right: the course's formulas, gradients of the file's own forward pass, and a comparison."""
