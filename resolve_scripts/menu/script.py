"""A script in DaVinci Resolve's menu that starts Answerprint. Written by `answerprint resolve install`, not by hand.

Standard library only, syntax of Python 3.6: the user's Resolve decides which Python runs it. Resolve defines no
`__file__`, so the installation writes Answerprint's folder into this script.
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
    """Return the path of the launcher; "" if it is neither in the installed folder nor in a usual one."""
    places = [os.path.expandvars(os.path.expanduser(each)) for each in USUAL]
    folders = [INSTALLED.get("folder", "")] + [os.path.join(each, "_internal", "resolve_scripts") for each in places]
    files = [os.path.join(each, "answerprint_launcher.py") for each in folders if each]
    return next((each for each in files if os.path.isfile(each)), "")


def main(given):
    """Run the action of this script. given: the globals that Resolve defines for a script."""
    path = launcher()
    if not path:
        print("Answerprint: The program was not found (%s)." % INSTALLED.get("folder", "never installed"))
        print("  Reinstall Answerprint, then run: answerprint resolve install")
        return
    names = {"__name__": "answerprint_launcher", "__file__": path}
    try:
        # Read anew each time: Resolve may keep this interpreter while Answerprint is updated.
        with open(path, "rb") as file:
            exec(compile(file.read(), path, "exec"), names)
        names["launch"](INSTALLED, ACTION, given)
    except Exception as problem:  # a traceback does not help the user of Resolve
        print("Answerprint: The program could not be started (%s: %s)." % (type(problem).__name__, problem))
        print("  Run: answerprint resolve install")


main(globals())
