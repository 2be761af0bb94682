"""Faults of machines: kills, damaged files, full disks, locks; none may cost work or a grade."""
