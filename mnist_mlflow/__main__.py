"""`python -m mnist_mlflow`."""

import sys

WHERE = "Type: make venv && source .venv/bin/activate  (or activate the environment that has it), then the same again."

if __name__ == "__main__":
    try:
        from mnist_mlflow.cli.commands import main
    except ModuleNotFoundError as error:  # another Python than that of the environment
        sys.exit(f"Error: {sys.executable} has no {error.name}, which this program needs. {WHERE}")
    main()
