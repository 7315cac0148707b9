"""The command line: one small file a command; only here does the process exit."""
