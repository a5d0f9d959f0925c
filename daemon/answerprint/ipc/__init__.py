"""How the daemon talks to its child processes: messages, channels, events and the processes themselves."""
