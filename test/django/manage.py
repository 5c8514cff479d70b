"""A Django project in one file, as small as one with `rest_framework.authtoken` and djoser can be."""
import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line

# Apps with a user model of their own.
APPS = {'users.User': ['users'], 'members.Member': ['members']}
USER_MODEL = os.environ.get('USER_MODEL', 'auth.User')
KNOX = ['knox'] if 'WITH_KNOX' in os.environ else []

VALIDATORS = ['UserAttributeSimilarity', 'MinimumLength', 'CommonPassword', 'NumericPassword']

settings.configure(
    SECRET_KEY='of a test',
    # Django 3.2 does not know it; seed_links.py and check_links.py do what Django 4.1 does.
    SECRET_KEY_FALLBACKS=['an older key', 'the oldest key'],
    PASSWORD_RESET_TIMEOUT=24 * 60 * 60,
    USE_TZ=True,
    TIME_ZONE='UTC',
    ALLOWED_HOSTS=['127.0.0.1'],
    ROOT_URLCONF='djoser.urls.base',
    DEFAULT_AUTO_FIELD='django.db.models.AutoField',
    DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'db.sqlite3'}},
    INSTALLED_APPS=[
        'django.contrib.auth',
        'django.contrib.contenttypes',
        'rest_framework',
        'rest_framework.authtoken',
        'djoser',
        *APPS.get(USER_MODEL, []),
        *KNOX,
    ],
    AUTH_USER_MODEL=USER_MODEL,
    AUTH_PASSWORD_VALIDATORS=[
        {'NAME': f'django.contrib.auth.password_validation.{name}Validator'} for name in VALIDATORS
    ],
    EMAIL_BACKEND='django.core.mail.backends.filebased.EmailBackend',
    EMAIL_FILE_PATH='sent',
    REST_FRAMEWORK={
        'DEFAULT_AUTHENTICATION_CLASSES': ['rest_framework.authentication.TokenAuthentication'],
        'DEFAULT_RENDERER_CLASSES': ['rest_framework.renderers.JSONRenderer'],
    },
    DJOSER={
        'SEND_ACTIVATION_EMAIL': True,
        'PASSWORD_RESET_CONFIRM_URL': 'https://example.com/reset/{uid}/{token}',
        'ACTIVATION_URL': 'https://example.com/activate/{uid}/{token}',
        'EMAIL': {'password_reset': 'mails.PasswordReset', 'activation': 'mails.Activation'},
    },
)

if __name__ == '__main__':
    execute_from_command_line(sys.argv)
