"""Grading: did the student's equation come out right, and if not, which mistake was it?

The assignment, and what a student meets:

misconceptions    what a test cell uses to recognise a known mistake and name it
release           solutions/ -> assignments/, without a leak
check             a student's self-check: the visible tests, as the grader runs them

One submission, in two processes:

wire              what may cross between them: values, never objects
worker            the student's process
sandbox           what locks it in
masking           the library that it sees, without the graded functions
student           the trusted side's stand-ins for what a student defined
examine           the tests of an assignment against the answers of one student
host              the trusted process, which forks once for every submission

A class:

student_names     whose file is this?
untrusted_files   files, folders and zips of strangers, read without harm
answers           the text of the answers in a notebook, and nothing else of it
collect           who handed in what
batch             everyone graded, whatever happens
results           one JSON file a student

What comes of it:

markup            students' Markdown and formulas as HTML that cannot act
gradebook         results become nbgrader's marks
autograde         formgrader's button shows results, and runs nothing
feedback          a page for each student
similarity        answers that look copied
report            a page about the class
gradescope        the same grading on another platform
"""
