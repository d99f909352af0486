"""Kills at random moments: `python -m tests.soak --kills 500 --seed 0`, or `make soak`, prints what came of them.

Begin with lane.py, which kills the command of a phase again and again and looks at what is left each time. phases.py
holds the commands, promises.py what has to be true, moments.py when a command is killed, forks.py how it is started.
"""
