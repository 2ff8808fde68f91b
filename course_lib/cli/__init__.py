"""The `course` command: what a person can do with the course from a terminal.

everyday       lab, test, doctor
stored_pictures  what the lab shows of a widget whose kernel has ended
site           site: the lectures run, the pages built (site_pages), and looked through (site_check)
assignments    check, release, grade, feedback, report, gradescope
training       train
reproduce      reproduce
terminal       what the commands share: one-line errors, the clone's folder, progress bars
executors      where much work runs: processes here, or a cluster
app            the three panels put together

Heavy libraries are imported inside the commands, so that `course --help` answers at once.
"""
