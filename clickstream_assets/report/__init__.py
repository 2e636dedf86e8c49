"""The report: one HTML page, made from the summaries and the ledger. `facts` reads, `charts` draws, `page` writes."""
