"""Grading: did the student's equation come out right, and if not, which mistake was it?

misconceptions    what a test cell uses to recognise a known mistake and name it
release           solutions/ -> assignments/, without a leak
check             a student's self-check: the visible tests, in a fresh process
"""
