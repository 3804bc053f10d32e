"""How far back people are compared, so that it costs the same however much there is."""

# Older verdicts are of other instructions, and often of other people.
VERDICTS = 250_000
