"""A worker's main process: load, publish, watch, report.

May import `call` too: `attach` loads what a call needs once, before job processes are forked.
"""
