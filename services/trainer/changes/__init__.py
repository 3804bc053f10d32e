"""Which projects have something new: nothing is asked project by project."""
