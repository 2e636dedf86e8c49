"""What is done every night: old partitions, loaded files, logs, ids used twice. `steps` has it all, in order."""
