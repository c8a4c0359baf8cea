"""A pytest plugin for Flask's own suite: each application has Coatcheck's sessions, not signed cookies.

`python3 -m pytest -p flask_suite_plugin tests`, with both files on PYTHONPATH.
"""

import flask
from coatcheck import Client, Coatcheck

# Before the tests replace the environment.
_client = Client()
_create = flask.Flask.__init__
_of_flask = flask.Flask.session_interface


def _create_with_coatcheck(app, *args, **kwargs):
    _create(app, *args, **kwargs)
    # A test that brings an interface of its own is about that one.
    if type(app).session_interface is not _of_flask:
        return
    # What the suite expects of an application that sets nothing; Coatcheck's own is in its manual.
    names = ("SESSION_COOKIE_NAME", "SESSION_COOKIE_SAMESITE", "SESSION_REFRESH_EACH_REQUEST")
    of_flask = {name: app.config[name] for name in names}
    Coatcheck(app, client=_client)
    app.config.update(of_flask)


flask.Flask.__init__ = _create_with_coatcheck
