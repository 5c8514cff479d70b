"""Run by `manage.py shell`: users with tokens of knox and of DRF. Prints them, and Django's iterations."""
import json
from datetime import timedelta

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from knox.models import AuthToken
from rest_framework.authtoken.models import Token

PASSWORD = 'correct horse'
accepted = {}
refused = []

for username in ['phone', 'пользователь']:
    user = User.objects.create_user(username, f'{len(accepted)}@example.com', PASSWORD)
    for expiry, prefix in [(timedelta(hours=10), ''), (None, ''), (timedelta(days=30), 'knx_')]:
        accepted[AuthToken.objects.create(user, expiry=expiry, prefix=prefix)[1]] = username
    refused.append(AuthToken.objects.create(user, expiry=timedelta(seconds=-1))[1])

user = User.objects.create_user('drf', 'drf@example.com', PASSWORD)
plain = Token.objects.create(user=user).key
user = User.objects.create_user('inactive', 'inactive@example.com', PASSWORD, is_active=False)
refused.append(AuthToken.objects.create(user)[1])

iterations = PBKDF2PasswordHasher.iterations
print(json.dumps({'accepted': accepted, 'refused': refused, 'plain': plain, 'password': PASSWORD, 'iterations': iterations}))
