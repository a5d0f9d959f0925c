"""Communication between the daemon and its child processes: messages, channels, events, and the processes."""
