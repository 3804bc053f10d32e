"""Every statement of the lifecycle: one module reads tasks for decisions, one writes changes."""
