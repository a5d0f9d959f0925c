"""`answerprint jobs` and `queue`: list, show, watch and control the jobs of the daemon."""
