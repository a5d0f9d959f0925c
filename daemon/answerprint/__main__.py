"""`python -m answerprint` is the command `answerprint`."""

from answerprint.cli.main import program

program()
