"""The program `answerprint` of a bundle."""

import multiprocessing
import sys

from answerprint.cli.main import main

if __name__ == "__main__":
    multiprocessing.freeze_support()  # a process of a pool is this program again
    sys.exit(main())
