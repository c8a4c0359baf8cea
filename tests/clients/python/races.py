"""25 requests at once, four rounds of them, each with a change of its own to one session: what is kept of
the 100. Each has read the session before any has written it."""

import threading

AT_ONCE = 25
ROUNDS = 4
ALL = [f"k{number}" for number in range(AT_ONCE * ROUNDS)]


class Meeting:
    """Where the requests of a round wait for each other, once each has read the session."""

    def __init__(self):
        self._barrier = threading.Barrier(AT_ONCE)

    def wait(self):
        self._barrier.wait(timeout=60)


def race(ask):
    """Calls `ask(name)` for each name, 25 at a time. Raises what the first call raises."""
    faults = []

    def work(name):
        try:
            ask(name)
        except BaseException as error:
            faults.append(error)

    for number in range(ROUNDS):
        names = ALL[number * AT_ONCE :][:AT_ONCE]
        threads = [threading.Thread(target=work, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if faults:
            raise faults[0]
