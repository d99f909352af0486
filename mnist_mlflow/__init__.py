"""Seven classifiers of handwritten digits, one tracked protocol, one registered champion."""

__version__ = "0.1.0"
