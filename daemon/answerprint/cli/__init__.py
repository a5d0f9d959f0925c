"""The commands of `answerprint`. A module is a command; only the one that was asked for is imported."""
