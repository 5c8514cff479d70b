"""The columns of django-rest-knox 5 (knox/models.py)."""
import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

TOKEN_KEY_LENGTH = 15


def hash_token(token):
    return hashlib.sha512(token.encode()).hexdigest()


class AuthTokenManager(models.Manager):
    def create(self, user, expiry=timedelta(hours=10), prefix=''):
        token = prefix + secrets.token_hex(32)
        instance = super().create(
            digest=hash_token(token),
            token_key=token[:TOKEN_KEY_LENGTH],
            user=user,
            expiry=expiry and timezone.now() + expiry,
        )
        return instance, token


class AuthToken(models.Model):
    objects = AuthTokenManager()

    digest = models.CharField(max_length=128, primary_key=True)
    token_key = models.CharField(max_length=25, db_index=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, related_name='auth_token_set', on_delete=models.CASCADE)
    created = models.DateTimeField(auto_now_add=True)
    expiry = models.DateTimeField(null=True, blank=True)
