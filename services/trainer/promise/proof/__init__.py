"""What a certificate rests on: its export, and the recomputation that anyone can repeat."""
