"""What people type and what they see: commands.py makes a command of each entry point, options.py its options,
console.py the progress bars, tables and what to type next.

Begin with commands.py. The only room that parses what was typed, or prints.
"""
