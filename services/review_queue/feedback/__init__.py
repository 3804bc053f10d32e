"""What reviewers say of an item, a label or the instructions, and what operators answer."""
