"""Weights and functions in the files of other libraries: .npz, HDF5, safetensors, Keras, PyTorch, ONNX."""

from tinygrad_course.exchange.onnx_export import export_onnx
from tinygrad_course.exchange.onnx_model import CannotExport
from tinygrad_course.exchange.other_libraries import DenseLayers, read_keras, read_torch
from tinygrad_course.exchange.weights import load_weights, save_weights

__all__ = [
    "CannotExport", "DenseLayers", "export_onnx", "load_weights", "read_keras", "read_torch", "save_weights",
]  # fmt: skip
