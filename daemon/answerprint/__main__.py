"""`python -m answerprint` is the command `answerprint`."""

from .cli.main import program

program()
