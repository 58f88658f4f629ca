"""Calls one of the plain functions, and prints what it gave or raised."""

import sys

import functions

name, *words = sys.argv[1:]
try:
    print(f"gave {getattr(functions, name)(*map(int, words))}")
except functions.TooSmall as raised:
    print(f"raised {type(raised).__name__}: {raised} (least {raised.least})")
except Exception as raised:
    print(f"raised {type(raised).__name__}: {raised}")
