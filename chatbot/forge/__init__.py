"""The forge, as this program knows it: who it is there, and what it reads and writes."""
