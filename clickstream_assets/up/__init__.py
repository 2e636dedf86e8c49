"""`clickstream up`, which `make run` runs: `stack.run_stack` starts the processes, watches them and ends them."""
