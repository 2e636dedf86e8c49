"""How the pipeline is: for people (`status`, `status_text`) and for Prometheus (`scrape`, `metrics`)."""
