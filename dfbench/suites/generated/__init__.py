"""Data sets that dfbench draws itself, so that a machine without a network can run everything.

They exercise the tool; they say nothing about detectors in the wild.
"""
