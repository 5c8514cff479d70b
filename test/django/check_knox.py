"""Run by `manage.py shell`: tries the tokens of tokens.json with knox. Prints how many there are."""
import json

from knox.auth import TokenAuthentication
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIRequestFactory


def authenticate(token):
    request = APIRequestFactory().get('/', HTTP_AUTHORIZATION=f'Token {token}')
    return TokenAuthentication().authenticate(request)[0].username


def is_refused(token):
    try:
        authenticate(token)
    except AuthenticationFailed:
        return True
    return False


with open('tokens.json') as file:
    tokens = json.load(file)
for token, username in tokens['accepted'].items():
    assert authenticate(token) == username, (token[:8], username)
for token in tokens['refused']:
    assert is_refused(token), token[:8]
print(json.dumps({'checked': len(tokens['accepted']), 'rows': AuthToken.objects.count()}))
