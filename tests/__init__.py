"""Tests: folders mirror the package, conftest.py holds the fixtures. They run in parallel, one thread a library."""

import os

from threadpoolctl import threadpool_limits

# As many workers as cores run, and libraries that take all cores would only get in each other's way. The variables
# hold for child processes and for what is loaded from here on; a plugin of pytest has loaded NumPy before.
LIBRARIES = ("OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "TF_NUM_INTRAOP", "TF_NUM_INTEROP")
os.environ.update({f"{library}_THREADS": "1" for library in LIBRARIES})
threadpool_limits(1)
