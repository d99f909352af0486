"""Random input for all that reads what people type, send and keep: no exception but our own, no hang, bounded memory.

The tests try the same few hundred examples each time. `make soak` tries other ones, thousands for each test.
"""
