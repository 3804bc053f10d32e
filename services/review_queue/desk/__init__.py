"""What a reviewers' desk asks for: instructions that were read, progress, what to adjudicate."""
