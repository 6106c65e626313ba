"""Receivers that are ready to use: features to CSV or arrays, and pictures of what was heard.

Drivers (matplotlib) are imported when a receiver that needs one is made.
"""

from .features_csv import FeaturesCsv
from .logmel import LogMel
from .spectrogram import SpectrogramPng

__all__ = ["FeaturesCsv", "LogMel", "SpectrogramPng"]
