"""The limits of supervision, which lead to actions. Those of the checks are in `thresholds`."""

IDLE_AFTER = 10.0  # seconds without a commit and with nothing waiting
STUCK_AFTER = 120.0  # seconds without progress while files wait; the largest micro-batch takes a quarter
BEGIN_LIMIT = (
    300.0  # seconds from the lock to the first progress; Spark took 90 on two cores with a load of 7
)
HEARTBEAT_LOST_AFTER = 60.0  # seconds; the driver beats every second, in a thread of its own
START_LIMIT = 60.0  # seconds from the run's start to the lock, times the failures: a busy machine is slow
MOST_START_LIMITS = 4  # times START_LIMIT
END_LIMIT = 30.0  # seconds that a run may outlive its driver
KILL_AFTER = 60.0  # seconds that a driver may live on after it was asked to end: one micro-batch
ORPHAN_LIMIT = 15.0  # seconds that a driver may outlive its run: it looks for its parent every second
BEGUN_MARGIN = 2.0  # seconds: the first heartbeats put the progress at the start, give or take a query
HEALTHY_AFTER = 30.0  # seconds of life after which earlier failures are forgotten
UNSUPERVISED_AFTER = (
    45.0  # seconds since the supervisor looked: it looks every five, a busy machine more seldom
)
CRASH_LOOP_FAILURES = 3  # failed starts in a row; fewer are an accident
FIRST_PAUSE = 5.0  # seconds between two starts, doubled with every failure
LONGEST_PAUSE = 300.0  # seconds: a fault that someone repairs is noticed within five minutes


def pause_after(failures: int) -> float:
    """Seconds between the last start and the next one, after `failures` starts in a row that failed."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (min(failures, 32) - 1)) if failures > 0 else 0.0


def start_limit(failures: int) -> float:
    """Seconds that a run may take from its start to the lock."""
    return START_LIMIT * max(1, min(failures, MOST_START_LIMITS))
