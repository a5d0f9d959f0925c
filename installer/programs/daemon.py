"""The program `answerprintd` of a bundle."""

import multiprocessing
import sys

from answerprint.cli.answerprintd import main

if __name__ == "__main__":
    multiprocessing.freeze_support()  # pool processes start this program again
    sys.exit(main())
