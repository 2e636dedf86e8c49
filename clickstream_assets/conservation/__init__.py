"""Conservation: rows read = inserted + duplicate + rejected, file by file and batch by batch, ledger against tables.

`audit` is the way in.
"""
