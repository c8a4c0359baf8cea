"""Runs a module of tests and prints a line of JSON for each: `python3 report_tests.py MODULE`."""

import json
import sys
import unittest


class Report(unittest.TestResult):
    def _tell(self, test, outcome, text=""):
        print(json.dumps({"name": test.id().rpartition(".")[2], "outcome": outcome, "text": text}), flush=True)

    def addSuccess(self, test):
        self._tell(test, "passed")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._tell(test, "failed", self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self._tell(test, "failed", self.errors[-1][1])

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._tell(test, "failed", f"{subtest}: {self._exc_info_to_string(err, test)}")

    def addSkip(self, test, reason):
        self._tell(test, "skipped", reason)


unittest.defaultTestLoader.loadTestsFromName(sys.argv[1]).run(Report())
