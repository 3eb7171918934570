"""Each check fails on what it is for: broken environments, a table row for each way to break one."""
