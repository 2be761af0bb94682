"""What grading costs: `python -m tests.bench.grading` measures it beside stock nbgrader."""
