"""One file per algorithm, found by its file name; `base` holds the contract."""
