"""A Django project in one file, as small as one with `auth` and `rest_framework.authtoken` can be."""
import sys

from django.conf import settings
from django.core.management import execute_from_command_line

settings.configure(
    SECRET_KEY='of a test',
    USE_TZ=True,
    DEFAULT_AUTO_FIELD='django.db.models.AutoField',
    DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'db.sqlite3'}},
    INSTALLED_APPS=[
        'django.contrib.auth',
        'django.contrib.contenttypes',
        'rest_framework',
        'rest_framework.authtoken',
    ],
)

if __name__ == '__main__':
    execute_from_command_line(sys.argv)
