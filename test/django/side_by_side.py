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
HAS_USERNAME = User.USERNAME_FIELD == 'username'
STAFF = 'is_staff' if HAS_USERNAME else 'is_admin'
OWN = [name for name in ('bio', 'phone') if hasattr(User, name)]


def login_of(name):
    return name if HAS_USERNAME else f'{name}@example.com'


def named(name):
    return User.objects.filter(**{User.USERNAME_FIELD: login_of(name)})


def register(name, group=None, **fields):
    names = [name] if HAS_USERNAME else []
    user = User.objects.create_user(*names, f'{name}@example.com', f'the password of {name}', **fields)
    for own in OWN:
        setattr(user, own, f'{own} of {name}')
    user.save()
    if group:
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    token = Token.objects.get_or_create(user=user)[0]
    return {'name': name, 'username': login_of(name), 'password': f'the password of {name}', 'token': token.key}


def seed():
    logins = [
        register('plain', 'editors'), register('boss', is_superuser=True, **{STAFF: True}), register('leaver', 'editors'),
    ]
    if hasattr(User, 'invited_by'):
        named('plain').update(invited_by=named('boss').get())
    return logins


def meanwhile():
    logins = [register('zoe', 'editors', **{STAFF: True}), register('alex')]
    if HAS_USERNAME:
        named('boss').update(email='new@example.com')
    named('plain').update(**{STAFF: True}, **({'bio': 'changed in Django'} if OWN else {}))
    return logins


def interfere():
    named('plain').update(password='!')


def authenticate_token(key):
    try:
        request = APIRequestFactory().get('/', HTTP_AUTHORIZATION=f'Token {key}')
        return TokenAuthentication().authenticate(request)[0].get_username()
    except AuthenticationFailed:
        return None


def state():
    """Every user with all fields, and of each login whom password and token let in."""
    users = {}
    for user in User.objects.all():
        token = Token.objects.filter(user=user).first()
        fields = model_to_dict(user)
        users[user.get_username().removesuffix('@example.com')] = {
            **{name: value for name, value in fields.items() if name not in ('groups', 'user_permissions')},
            'groups': [group.name for group in user.groups.all()],
            'token': token and token.key,
        }
    with open('logins.json') as file:
        logins = json.load(file)
    let_in = [
        (lambda user: user and user.get_username())(authenticate(username=login['username'], password=login['password']))
        for login in logins
    ]
    return {
        'iterations': PBKDF2PasswordHasher.iterations, 'users': users,
        'passwords': let_in, 'tokens': [authenticate_token(login['token']) for login in logins],
    }


print(json.dumps(globals()[os.environ['STEP']](), cls=DjangoJSONEncoder))
