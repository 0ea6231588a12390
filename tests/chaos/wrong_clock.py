"""`python -m tests.chaos.wrong_clock SECONDS MODULE [ARGUMENT…]` runs a module whose clock is off, ahead or behind.

Its calendar time is: what it measures, and how long it sleeps, is right, as on a machine that was set wrongly.
"""

import runpy
import sys
import time

import time_machine

if __name__ == "__main__":
    seconds, module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    with time_machine.travel(time.time() + float(seconds), tick=True):
        runpy.run_module(module, run_name="__main__", alter_sys=True)
