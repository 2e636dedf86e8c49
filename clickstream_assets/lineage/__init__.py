"""What is made from what, in the words of data catalogues.

Begin with `columns`: the columns of each table and what they come from.
"""
