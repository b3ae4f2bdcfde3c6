"""Exit statuses of commands, beside Django's own: 0, and 1 of a CommandError."""

INTERRUPTED = 130  # of a command that Ctrl-C has ended: 128 and the number of SIGINT
