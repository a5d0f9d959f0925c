"""`answerprint resolve`."""
