"""The parts of a program that gain by it as machine code, through LLVM."""
