"""Runs one task, and prints its record as the last line."""

import json
import sys
from importlib import import_module

if __name__ == "__main__":
    module, task = sys.argv[1].split(".")
    record = getattr(import_module(f"benchmarks.tasks.{module}"), task)(**json.loads(sys.argv[2]))
    print(json.dumps(record))
