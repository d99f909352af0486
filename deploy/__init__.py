"""The server of a team: how it is set up, run, backed up and tried out. docs/team.md says how to use it.

Begin with compose.yaml, which holds all settings; service.py runs its services on a machine without containers.
"""
