"""The scripts in Resolve's menus.

scripts.py  which scripts there are, and their text
install.py  write them into Resolve's folders, and remove them
status.py   check scripts, program and Resolve
"""
