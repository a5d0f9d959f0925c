"""The settings form: one form as data, shown in Resolve, in a window or in the terminal.

form.py     a form and its fields, which check every answer
build.py    the form of a restoration, from what the daemon offers
answers.py  from answers to settings
show.py     the three ways to show a form
ask.py      show the form until its answers are valid
wording.py  messages of the command line in the words of the form
"""
