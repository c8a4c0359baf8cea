"""The pages that are measured, with sessions in Coatcheck or over redis-py, as SESSIONS says."""

import os

from flask import Flask, session

app = Flask(__name__)
if os.environ["SESSIONS"] == "coatcheck":
    from coatcheck import Coatcheck

    Coatcheck(app)
else:
    from redis import Redis
    from redis_sessions import RedisSessions

    app.session_interface = RedisSessions(Redis(port=int(os.environ["REDIS_PORT"])))


@app.get("/login")
def log_in():
    session.update(user="ada", name="Ada Lovelace", lang="en", csrf="c" * 40, visits=0)
    session["cart"] = [{"item": "tea", "count": 2}, {"item": "jam", "count": 1}]
    return "welcome"


@app.get("/read")
def read():
    return f"{session['name']} has been here {session['visits']} times"


@app.get("/change")
def change():
    session["visits"] = session["visits"] + 1
    return f"{session['name']} has been here {session['visits']} times"
