"""Pure functions of arrays: metrics, calibration, significance, latency, and the pictures of a run.

Begin with metrics.py, the figures of every run; significance.py compares two models, disagreement.py image by image.
Nothing here knows an algorithm, a store or a file.
"""
