"""Checks over the plan and the state of both environments: what a validator of syntax cannot see."""
