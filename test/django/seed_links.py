"""Run by `manage.py shell`: users, and links of theirs, good ones and void ones.

Prints them with Django's verdicts, and the settings that the Worker needs to come to the same.
"""
import json
from datetime import datetime, timedelta, timezone

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token

from links import HAPPENINGS, PASSWORD, is_good, make_link

LOGINS = {
    'never': None,
    'whole seconds': datetime(2024, 2, 29, 23, 59, 59, tzinfo=timezone.utc),
    'microseconds': datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc),
}
ADDRESSES = ['{}@example.com', '{}@EXAMPLE.Com', '{}@exämple.com', '用户.{}@例え.jp', '']
TIMEOUT = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
MINUTE = timedelta(minutes=1)

# One for all: it takes time, and is not what is tried here.
encoded = make_password(PASSWORD)
UNUSABLE = make_password(None)


def create(username, email='{}@example.com', **values):
    return User.objects.create(
        username=username, email=email.format(username), **{'password': encoded, **values}
    )


cases = []


def add(
    case, good, *, route='reset_password_confirm', user={}, then=None, uid_of=None, edit=None, **how
):
    holder = create(f'case-{len(cases)}', **user)
    link = make_link(holder, **how)
    if edit:
        link['token'] = edit(link['token'])
    if uid_of:
        link['uid'] = make_link(uid_of)['uid']
    if then:
        HAPPENINGS[then](holder)
    cases.append({'case': case, 'route': route, 'good': good, 'user': holder.pk, **link})


other = create('other')
for login, last_login in LOGINS.items():
    for email in ADDRESSES:
        case = f'last login: {login}, address: {email or "none"}'
        add(case, True, user={'email': email, 'last_login': last_login})
add('name beyond ASCII', True, user={'first_name': 'Zoë', 'last_name': '用户'})
add('no usable password', True, user={'password': UNUSABLE})
add('inactive', True, user={'is_active': False})
add('after a change of name', True, then='new name')
add('after a deactivation', True, then='deactivation')
add('a minute before its time runs out', True, age=TIMEOUT - MINUTE)
add('of a clock that is ahead', True, age=-MINUTE)
for key in settings.SECRET_KEY_FALLBACKS:
    add(f'signed with {key}', True, key=key)

add('a minute after its time has run out', False, age=TIMEOUT + MINUTE)
add('a year old', False, age=timedelta(days=365))
add('signed with another key', False, key='of somebody else')
add("with another user's uid", False, uid_of=other)
for last_login in LOGINS.values():
    add('after a login', False, user={'last_login': last_login}, then='login')
for then in ['new password', 'same password', 'new address', 'address in capitals']:
    add(f'after: {then}', False, then=then)
add('another signature', False, edit=lambda token: token[:-1] + ('1' if token[-1] == '0' else '0'))
add('another time', False, edit=lambda token: ('1' if token[0] == '0' else '0') + token[1:])
add('in capitals', False, edit=str.upper)
add('cut off', False, edit=lambda token: token[:-1])
add('without its time', False, edit=lambda token: token.split('-')[1])
add('with a zero before its time', False, edit=lambda token: f'0{token}')

activation = {'route': 'activation'}
for email in ADDRESSES:
    case = f'activation, address: {email or "none"}'
    add(case, True, **activation, user={'email': email, 'is_active': False})
waiting = {**activation, 'user': {'is_active': False}}
add('activation, a minute before its time runs out', True, **waiting, age=TIMEOUT - MINUTE)
add('activation, a minute after its time has run out', False, **waiting, age=TIMEOUT + MINUTE)
add('activation, signed with another key', False, **waiting, key='of somebody else')
add("activation, with another user's uid", False, **waiting, uid_of=other)
for then in ['login', 'new password', 'new address']:
    add(f'activation, after: {then}', False, **waiting, then=then)

# Who asks the Worker for links: by mail, where there is an address.
MAILED = 20
for n in range(MAILED):
    email = ADDRESSES[n % 3]
    create(f'mailed-{n}', email=email, last_login=list(LOGINS.values())[n // 3 % 3])
for role in [
    *['changes-password', 'changes-address', 'changes-name', 'resets'],
    *[f'meets-{then.replace(" ", "-")}' for then in HAPPENINGS],
]:
    create(role)
create('activates', is_active=False)
create('waits', is_active=False)
create('no-address', email='', last_login=LOGINS['microseconds'])
create('outside-ascii', email='用户@example.com', last_login=LOGINS['microseconds'])

# Whose links are sent to the Worker and to djoser.
active = ['known', 'jsonny', 'formy', 'multiparty', 'typed', 'spaced']
inactive = ['inactive', 'waiting', 'deactivated', 'activating', 'form-activating', 'resetting']
people = {
    **{name: create(name) for name in active},
    **{name: create(name, is_active=False) for name in inactive},
    'similar': create('similar', first_name='Bartholomew'),
    'unusable': create('unusable', password=UNUSABLE),
    'without-password': create('without-password', is_active=False, password=UNUSABLE),
    'returning': create('returning', is_active=False, last_login=LOGINS['microseconds']),
}
for twin in ['twin', 'other-twin']:
    create(twin, email='twins@example.com')
Token.objects.create(user=people['deactivated'])
token = Token.objects.create(user=people['known'])
links = {name: make_link(user) for name, user in people.items()}
links['expired'] = make_link(people['known'], age=TIMEOUT + MINUTE)
links['expired activation'] = make_link(people['waiting'], age=TIMEOUT + MINUTE)

settings_of_worker = {
    'SECRET_KEY': settings.SECRET_KEY,
    'SECRET_KEY_FALLBACKS': ','.join(settings.SECRET_KEY_FALLBACKS),
    'PASSWORD_RESET_TIMEOUT': str(settings.PASSWORD_RESET_TIMEOUT),
    'PASSWORD_RESET_CONFIRM_URL': settings.DJOSER['PASSWORD_RESET_CONFIRM_URL'],
    'ACTIVATION_URL': settings.DJOSER['ACTIVATION_URL'],
    'AUTH_PASSWORD_VALIDATORS': ','.join(
        validator['NAME'].rsplit('.', 1)[1].replace('Validator', '')
        for validator in settings.AUTH_PASSWORD_VALIDATORS
    ),
    'PBKDF2_ITERATIONS': str(PBKDF2PasswordHasher.iterations),
}
for case in cases:
    user = User.objects.get(pk=case.pop('user'))
    case['username'], case['is_active'] = user.username, user.is_active
    case['good_to_django'] = is_good(case['uid'], case['token'])
mailed = [
    {'username': user.username, 'email': user.email}
    for user in User.objects.filter(username__startswith='mailed-').order_by('pk')
]
print(json.dumps({
    'vars': settings_of_worker,
    'password': PASSWORD,
    'cases': cases,
    'mailed': mailed,
    'happenings': list(HAPPENINGS),
    'links': links,
    'token': token.key,
}))
