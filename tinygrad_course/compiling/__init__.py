"""A recording as one straight-line program: a training step at the speed of the hardware, and readable."""

from tinygrad_course.compiling.compiled_function import Compiled, compiled
from tinygrad_course.compiling.compiled_iteration import CompiledLoop, compiled_loop
from tinygrad_course.compiling.tracing.refusals import CannotCompile

__all__ = ["CannotCompile", "Compiled", "CompiledLoop", "compiled", "compiled_loop"]
