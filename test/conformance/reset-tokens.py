"""Makes reset-tokens.json with a real Django: tokens of fixed keys, times and users.

    python3 test/conformance/reset-tokens.py > test/conformance/reset-tokens.json
"""
import datetime
import json

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    USE_TZ=True,
    TIME_ZONE="UTC",
    SECRET_KEY="x",
)
django.setup()

from django.contrib.auth.models import User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

HASH = "pbkdf2_sha256$260000$Vw1kaMrpJ9PxmVZvCLbcQg$T3sy+zMxjYVbGmVXuRdKE4HqU9QZ8mS6r3LsqQnFzJw="
USERS = [
    (1, HASH, None, "meg@example.com"),
    (12, HASH, "2026-01-02 03:04:05.678901", "meg@example.com"),
    (123456789, "!Xq8tq0", "2026-01-02 03:04:05", ""),
    (7, "pbkdf2_sha256$1000$salt$aGFzaA==", None, "Jörg@bücher.example"),
    (9007199254740991, HASH, "1999-12-31 23:59:59.999999", "a" * 200 + "@example.com"),
]
KEYS = ["secret", "django-insecure-)5z&^%=k@!0#_+$(-*" + "k" * 60, "schlüssel"]
TIMES = ["2001-01-01 00:00:00", "2026-11-24 20:15:30.999999", "2106-02-07 06:28:15"]


def moment(text):
    return None if text is None else datetime.datetime.fromisoformat(text)


def tokens():
    for key in KEYS:
        for number, password, last_login, email in USERS:
            for time in TIMES:
                generator = PasswordResetTokenGenerator()
                generator.secret = key
                generator._now = lambda: moment(time)
                login = moment(last_login)
                user = User(
                    id=number,
                    password=password,
                    last_login=login and login.replace(tzinfo=datetime.timezone.utc),
                    email=email,
                )
                yield {
                    "secret_key": key,
                    "now": time,
                    "user": {
                        "id": number,
                        "password": password,
                        "last_login": last_login,
                        "email": email,
                    },
                    "uid": urlsafe_base64_encode(force_bytes(number)),
                    "token": generator.make_token(user),
                }


print(json.dumps({"django": django.get_version(), "tokens": list(tokens())}, indent=1, ensure_ascii=False))
