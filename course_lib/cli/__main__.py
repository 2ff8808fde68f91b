"""`python -m course_lib.cli`, for those who have not activated the environment."""

from course_lib.cli.app import main

if __name__ == "__main__":  # not in the processes that a command starts
    main()
