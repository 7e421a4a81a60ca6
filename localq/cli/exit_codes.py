"""What the program exits with when all is not well; codes above 63 are those of sysexits.h."""

from __future__ import annotations

__all__ = ["FAILED", "IOERR", "SOFTWARE", "TEMPFAIL", "UNAVAILABLE", "UNFINISHED", "UNKNOWN", "USAGE"]

#: A job failed, or could not be changed; a worker refused.
FAILED = 1
USAGE = 2
#: A job is not finished.
UNFINISHED = 3
#: There is no job, or no schedule, of that name.
UNKNOWN = 4
#: No worker has answered.
UNAVAILABLE = 69
SOFTWARE = 70
IOERR = 74
TEMPFAIL = 75
