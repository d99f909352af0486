"""Tasks for fresh processes: each returns one JSON record. They alone call the package.

For example: python -m benchmarks.tasks rows.ours '{"row": "svm"}'
"""
