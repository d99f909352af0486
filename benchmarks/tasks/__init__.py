"""Tasks for fresh processes: each returns one JSON record. They alone train and load models.

For example: python -m benchmarks.tasks rows.ours '{"row": "svm"}'
"""
