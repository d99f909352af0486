"""One file for each part of what is measured: it starts fresh processes, and returns their figures.

This process stays small: the peak memory of a child counts from that of its parent. So neither MLflow nor the
package is imported here; tasks/ does that.
"""
