"""The command line: the only room that parses what people type and prints what they see.

Begin with commands.py, which makes a command of each job and each algorithm. options.py makes options of parameters;
console.py shows results, with one `show_<name>` for each job. evaluated.py, readings.py and others show long ones.
terminal.py has the two streams, with warnings and bars. shell.py makes the commands that are printed fit the shell.
"""
