"""`python -m mnist_mlflow`."""

from mnist_mlflow.cli.commands import main

if __name__ == "__main__":
    main()
