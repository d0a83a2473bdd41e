"""Processes that hold what may crash, hang or take all memory, with limits of time and memory."""
