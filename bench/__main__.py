"""``make bench``: what is measured, one table after the other; ``python -m bench`` alone."""

from bench.science import certify

if __name__ == "__main__":
    certify.main()
