"""The program `answerprint` of a bundle."""

import multiprocessing

from answerprint.cli.main import program

if __name__ == "__main__":
    multiprocessing.freeze_support()  # a process of a pool is this program again
    program()
