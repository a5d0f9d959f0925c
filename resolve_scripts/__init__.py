"""What runs inside DaVinci Resolve, or beside it by Resolve's own Python: standard library only, the syntax of 3.6.

answerprint_bridge.py     calls Resolve's API for another program
answerprint_launcher.py   starts that program for a menu script, and is its bridge
answerprint_words.py      what is said on the way: errors with what to do
answerprint_form.py       asks for settings in a window of Resolve's own toolkit
answerprint_window.py     asks for them in a window of its own, by any Python that has tkinter
answerprint_notice.py     a notice on the desktop, since Resolve's Console is closed most of the time
menu/                     what `answerprint resolve install` fills in and puts into Resolve's folders
"""
