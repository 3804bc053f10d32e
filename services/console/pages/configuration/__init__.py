"""Settings of a project: a form that says what a change would do to the certificate."""
