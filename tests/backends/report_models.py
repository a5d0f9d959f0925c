"""All reports on the models: `python -m backends.report_models` in the folder tests, or `make report-models`."""

from __future__ import annotations

import argparse
import sys

from backends import report_diffbir, report_equality, report_full_size, report_warping
from tables import print_tables
from weights import report as report_attacks

TABLES = {
    "attacks": report_attacks.TABLE,
    "full-size": report_full_size.TABLE,
    "equality": report_equality.TABLE,
    "goldens": report_diffbir.TABLE,
    "warping": report_warping.TABLE,
}


def main() -> int:
    """Print what was asked for; 0 when every bar was reached."""
    parser = argparse.ArgumentParser(prog="report_models", description=__doc__)
    parser.add_argument("only", nargs="*", choices=[[], *TABLES], metavar="TABLE", help=", ".join(TABLES))
    chosen = parser.parse_args().only or list(TABLES)
    return print_tables(*(TABLES[name] for name in chosen))


if __name__ == "__main__":
    sys.exit(main())
