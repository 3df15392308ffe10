"""The stand-in for the LLM, which is a part of `sandbox.inference`."""

from sandbox.inference import Inference

__all__ = ["LLM"]

LLM = Inference
