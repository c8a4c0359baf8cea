"""A Flask app with Flask-Session over Redis: read, change and make sessions."""

import os

from flask import Flask, jsonify, request, session
from flask_session import Session
from redis import Redis

app = Flask(__name__)
app.config["SESSION_TYPE"] = "redis"
app.config["SESSION_REDIS"] = Redis(host="127.0.0.1", port=int(os.environ["REDIS_PORT"]))
Session(app)


@app.get("/session/user")
def read_user():
    return jsonify(session["user"])


@app.put("/session/user")
def change_user():
    session["user"] = request.get_json()
    return "", 204


@app.patch("/session")
def change_session():
    session.update(request.get_json()["data"])
    return "", 204
