"""``make bench``: what is measured, one table after the other; ``python -m bench`` alone.

``python -m bench reloads``: memory of one router over many reloads.
"""

import sys

from bench import reloads
from bench.science import certify

if __name__ == "__main__":
    if sys.argv[1:2] == ["reloads"]:
        reloads.main(sys.argv[2:])
    else:
        certify.main()
