"""Run by `manage.py shell`: users of this project. Prints what logs them in, and Django's iterations."""
import json

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import Group, User
from rest_framework.authtoken.models import Token

logins = []
for username, password in [
    ('plain', 'correct horse'),
    ('пользователь', 'пароль'),
    ('spaces', '  kept  '),
]:
    user = User.objects.create_user(username, f'{len(logins)}@example.com', password)
    token = Token.objects.create(user=user)
    logins.append({'username': username, 'password': password, 'token': token.key})

User.objects.get(username='plain').groups.add(Group.objects.create(name='editors'))
User.objects.create_superuser('boss', 'boss@example.com', 'without a token')

print(json.dumps({'logins': logins, 'iterations': PBKDF2PasswordHasher.iterations}))
