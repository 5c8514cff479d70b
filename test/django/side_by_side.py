"""Run by `manage.py shell`: a step in the life of this project, named by the variable STEP."""
import json
import os

from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import Group
from django.core.serializers.json import DjangoJSONEncoder
from django.forms.models import model_to_dict
from rest_framework.authentication import TokenAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIRequestFactory

User = get_user_model()
OWN = [name for name in ('bio', 'phone', 'invited_by') if hasattr(User, name)]


def register(username, group=None, **fields):
    user = User.objects.create_user(username, f'{username}@example.com', f'the password of {username}', **fields)
    for name in OWN[:2]:
        setattr(user, name, f'{name} of {username}')
    user.save()
    if group:
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    return {'username': username, 'password': f'the password of {username}', 'token': Token.objects.create(user=user).key}


def seed():
    logins = [register('plain', 'editors'), register('boss', is_staff=True, is_superuser=True), register('leaver', 'editors')]
    if OWN:
        User.objects.filter(username='plain').update(invited_by=User.objects.get(username='boss'))
    return logins


def meanwhile():
    logins = [register('zoe', 'editors', is_staff=True), register('alex')]
    User.objects.filter(username='boss').update(email='new@example.com')
    User.objects.filter(username='plain').update(is_staff=True, **({'bio': 'changed in Django'} if OWN else {}))
    return logins


def authenticate_token(key):
    try:
        request = APIRequestFactory().get('/', HTTP_AUTHORIZATION=f'Token {key}')
        return TokenAuthentication().authenticate(request)[0].username
    except AuthenticationFailed:
        return None


def state():
    """Every user with all fields, and of each login whom password and token let in."""
    users = {}
    for user in User.objects.all():
        token = Token.objects.filter(user=user).first()
        fields = model_to_dict(user)
        users[user.username] = {
            **{name: value for name, value in fields.items() if name not in ('groups', 'user_permissions')},
            'date_joined': user.date_joined, 'groups': [group.name for group in user.groups.all()],
            'token': token and token.key,
        }
    with open('logins.json') as file:
        logins = json.load(file)
    let_in = [
        (lambda user: user and user.username)(authenticate(username=login['username'], password=login['password']))
        for login in logins
    ]
    return {
        'iterations': PBKDF2PasswordHasher.iterations, 'users': users,
        'passwords': let_in, 'tokens': [authenticate_token(login['token']) for login in logins],
    }


print(json.dumps(globals()[os.environ['STEP']](), cls=DjangoJSONEncoder))
