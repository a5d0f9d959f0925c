"""Programs that run inside DaVinci Resolve, or in Resolve's own Python: standard library only, syntax of Python 3.6.

answerprint_bridge.py     calls Resolve's API for another program
answerprint_launcher.py   starts that program for a menu script, and is its bridge
answerprint_words.py      the messages shown in Resolve, and the log
answerprint_form.py       the settings form in Resolve's own toolkit
answerprint_window.py     the settings form in a tkinter window, for any Python that has tkinter
answerprint_notice.py     desktop notices, since Resolve's Console is closed most of the time
menu/                     templates of the scripts that `answerprint resolve install` writes into Resolve's folders
"""
