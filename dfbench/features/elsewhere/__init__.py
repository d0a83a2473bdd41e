"""Detectors from elsewhere as extractors of scores: callables, ONNX, TorchScript, DetectZoo."""
