"""The program `answerprint` of a bundle."""

import multiprocessing

from answerprint.cli.main import program

if __name__ == "__main__":
    multiprocessing.freeze_support()  # pool processes start this program again
    program()
