"""A tiny model of each algorithm in each format that was ever logged: `FORMAT/NAME.zip`, with its `answers.npz`.

They are read for ever. A new format gets a folder of its own: `python -m tests.model.formats`
"""

from pathlib import Path

FOLDER = Path(__file__).parent
ANSWERS = "answers.npz"
