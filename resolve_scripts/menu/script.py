"""A script of DaVinci Resolve's menus that starts Answerprint. Written by `answerprint resolve install`, not by hand.

Standard library only, and the syntax of Python 3.6: which Python runs it is not ours to choose. Resolve defines no
`__file__`, so where Answerprint lies is filled in here.
"""

import os

ACTION = ""
INSTALLED = {}
USUAL = (
    "/opt/answerprint",
    "~/.local/opt/answerprint",
    "/Applications/Answerprint",
    "~/Applications/Answerprint",
    "%LOCALAPPDATA%/Programs/Answerprint",
    "%PROGRAMFILES%/Answerprint",
)


def launcher():
    """Return the launcher's file; "" where Answerprint is neither where it was nor in a usual place."""
    places = [os.path.expandvars(os.path.expanduser(each)) for each in USUAL]
    folders = [INSTALLED.get("folder", "")] + [os.path.join(each, "_internal", "resolve_scripts") for each in places]
    files = [os.path.join(each, "answerprint_launcher.py") for each in folders if each]
    return next((each for each in files if os.path.isfile(each)), "")


def main(given):
    """Do what the script is for. given: what Resolve defines for a script."""
    path = launcher()
    if not path:
        print("Answerprint: The program is not where it was (%s)." % INSTALLED.get("folder", "never installed"))
        print("  Install Answerprint again, then run: answerprint resolve install")
        return
    names = {"__name__": "answerprint_launcher", "__file__": path}
    try:
        # Read anew each time: Resolve may keep this interpreter while Answerprint is brought up to date.
        with open(path, "rb") as file:
            exec(compile(file.read(), path, "exec"), names)
        names["launch"](INSTALLED, ACTION, given)
    except Exception as problem:  # nobody in front of Resolve can use a traceback
        print("Answerprint: It cannot be started (%s: %s)." % (type(problem).__name__, problem))
        print("  Run: answerprint resolve install")


main(globals())
