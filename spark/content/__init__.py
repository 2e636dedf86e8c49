"""The bytes of a file: opened, decompressed, as UTF-8. Nothing of them is understood here.

`content` is the way in.
"""
