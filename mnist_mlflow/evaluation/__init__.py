"""Pure functions of arrays: metrics, calibration, significance, latency, and the pictures of a run.

Begin with metrics.py, the figures of every run; significance.py compares two models, disagreement.py image by image.
corruptions.py changes images in twenty ways by changes.py, and robustness.py scores the answers to them. selective.py
counts mistakes among sure answers. examination.py counts and lists the readings of somebody's own pictures. drawing.py
has the style of all pictures (style.mplstyle), labels.py their words. plots.py draws a run, trial_plots.py a search,
exploration.py several. Nothing here knows an algorithm, a store or a file.
"""
