"""`answerprint ofx`: the OpenFX plugin in the folders of hosts."""
