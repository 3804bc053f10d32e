"""What waits for people, and the tasks one by one."""
