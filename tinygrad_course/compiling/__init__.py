"""Recording -> one straight-line program: a training step at the speed of the hardware, and readable."""

from tinygrad_course.compiling.calling import Compiled, compiled
from tinygrad_course.compiling.loop import CompiledLoop, compiled_loop
from tinygrad_course.compiling.standin import CannotCompile

__all__ = ["CannotCompile", "Compiled", "CompiledLoop", "compiled", "compiled_loop"]
