"""Jobs of the daemon, as the command line sees and shows them."""
