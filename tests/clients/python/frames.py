"""What a page or a reporter of errors shows of one: the locals of its frames."""

import coatcheck


def secrets_in(error, *secrets):
    """The locals that show one of these secrets, from the first frame of `coatcheck.py` on, in this error
    and in those that it came from: the frames before it are the application's own."""
    found = []
    while error is not None:
        trace, is_below = error.__traceback__, False
        while trace is not None:
            frame = trace.tb_frame
            is_below = is_below or frame.f_code.co_filename == coatcheck.__file__
            for name, value in frame.f_locals.items() if is_below else ():
                if any(secret in repr(value) for secret in secrets):
                    found.append(f"{frame.f_code.co_name}: {name}")
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    return found


def assert_no_secret(test, kind, ask, *secrets):
    """`ask` raises an error of this kind, which shows none of the secrets."""
    with test.assertRaises(kind) as raised:
        try:
            ask()
        except BaseException as error:
            told = secrets_in(error, *secrets)  # here, since `assertRaises` clears the frames
            raise
    test.assertEqual(told, [], repr(raised.exception))
