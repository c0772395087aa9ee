"""Diff, guard, deliver, confirm: what makes a run, pure but for the ports."""
