"""What Flask applications use today: a session interface over redis-py, in the manner of Flask-Session.
The whole session is one JSON value, written again where it was changed."""

import secrets

from flask.sessions import SecureCookieSession, SessionInterface, session_json_serializer


class RedisSession(SecureCookieSession):
    sid = None


class RedisSessions(SessionInterface):
    def __init__(self, client):
        self.client = client

    def open_session(self, app, request):
        sid = request.cookies.get(app.config["SESSION_COOKIE_NAME"])
        text = self.client.get(f"session:{sid}") if sid else None
        session = RedisSession(session_json_serializer.loads(text) if text else None)
        session.sid = sid if text else secrets.token_urlsafe(32)
        return session

    def save_session(self, app, session, response):
        if session.accessed:
            response.vary.add("Cookie")
        if not self.should_set_cookie(app, session):
            return
        seconds = int(app.permanent_session_lifetime.total_seconds())
        self.client.setex(f"session:{session.sid}", seconds, session_json_serializer.dumps(dict(session)))
        response.set_cookie(
            self.get_cookie_name(app),
            session.sid,
            expires=self.get_expiration_time(app, session),
            httponly=self.get_cookie_httponly(app),
            domain=self.get_cookie_domain(app),
            path=self.get_cookie_path(app),
            secure=self.get_cookie_secure(app),
            samesite=self.get_cookie_samesite(app),
        )
