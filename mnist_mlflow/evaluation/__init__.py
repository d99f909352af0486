"""Metrics, calibration and plots: pure functions of arrays."""
