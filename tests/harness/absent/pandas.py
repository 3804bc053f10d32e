"""Hides pandas from the processes that tests start: no installation of a service has it.

Here it is installed for crowd-kit, and scikit-learn imports it wherever it is: half a second of the
processor's time in each process that trains.
"""

raise ImportError("tests hide pandas")
