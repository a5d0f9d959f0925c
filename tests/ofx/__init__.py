"""The OpenFX plugin, in a host that tolerates nothing, with a daemon that does the rest."""
