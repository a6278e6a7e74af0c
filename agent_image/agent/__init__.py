"""The program that runs inside a container: standard library only, Python 3.8 syntax."""
