"""Every statement about gold: labels, probes, how reviewers fare on them, and pauses."""
