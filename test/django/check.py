"""Run by `manage.py shell`: tries every password and token of logins.json. Prints the two tables' rows."""
import json

from django.contrib.auth import authenticate
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIRequestFactory


def rows(table, key):
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM {table} ORDER BY {key}')
        return [[str(value) for value in row] for row in cursor.fetchall()]


def refuse_upgrade(raw_password):
    raise AssertionError('Django would make this hash anew')


def authenticate_token(key):
    request = APIRequestFactory().get('/', HTTP_AUTHORIZATION=f'Token {key}')
    return TokenAuthentication().authenticate(request)[0].username


# Before any login: the first one may replace a hash.
tables = {'users': rows('auth_user', 'id'), 'tokens': rows('authtoken_token', 'key')}

with open('logins.json') as file:
    logins = json.load(file)
for login in logins:
    username, password, token = login['username'], login['password'], login['token']
    encoded = User.objects.get(username=username).password
    assert check_password(password, encoded, refuse_upgrade), username
    assert authenticate(username=username, password=password).username == username
    assert authenticate(username=username, password=password + 'x') is None, username
    assert authenticate_token(token) == username
try:
    authenticate_token('0' * 40)
except AuthenticationFailed:
    pass
else:
    raise AssertionError('a token that nobody has was accepted')

groups = {user.username: [g.name for g in user.groups.all()] for user in User.objects.all() if user.groups.exists()}
print(json.dumps({'checked': len(logins), 'groups': groups, **tables}))
