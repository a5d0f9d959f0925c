"""`python -m answerprint` is the command `answerprint`."""

import sys

from .cli.main import main

sys.exit(main())
