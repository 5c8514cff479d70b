"""Links as Django makes and checks them, and what can happen to their users meanwhile."""
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.contrib.auth.tokens import PasswordResetTokenGenerator, default_token_generator
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

PASSWORD = 'correct horse battery'


def make_link(user, age=None, key=None):
    generator = generator_of(key) if key or age else default_token_generator
    if age:
        now = datetime.now() - age
        generator._now = lambda: now
    return {'uid': urlsafe_base64_encode(force_bytes(user.pk)), 'token': generator.make_token(user)}


def is_good(uid, token):
    user = User.objects.get(pk=urlsafe_base64_decode(uid).decode())
    # Django 4.1 and later try the older keys by themselves.
    return default_token_generator.check_token(user, token) or any(
        generator_of(key).check_token(user, token) for key in settings.SECRET_KEY_FALLBACKS
    )


def generator_of(key):
    generator = PasswordResetTokenGenerator()
    generator.secret = key or settings.SECRET_KEY
    return generator


def log_in(user):
    # As django.contrib.auth.login() does: a receiver of Django's sets the last login.
    user_logged_in.send(User, request=None, user=user)


def set_password(user, password='another password 1'):
    user.set_password(password)
    user.save()


def change(user, **values):
    User.objects.filter(pk=user.pk).update(**values)


HAPPENINGS = {
    'login': log_in,
    'new password': set_password,
    'same password': lambda user: set_password(user, PASSWORD),
    'new address': lambda user: change(user, email='moved@example.com'),
    'address in capitals': lambda user: change(user, email=user.email.upper()),
    'new name': lambda user: change(user, username=f'renamed-{user.pk}', first_name='Renamed'),
    'deactivation': lambda user: change(user, is_active=False),
}
