"""From an answer back to what it rests on: version, run, snapshot, verdicts, certificate."""
