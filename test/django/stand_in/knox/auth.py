"""How django-rest-knox 5 finds a token (knox/auth.py)."""
from hmac import compare_digest

from django.utils import timezone
from rest_framework import authentication, exceptions

from knox.models import TOKEN_KEY_LENGTH, AuthToken, hash_token


class TokenAuthentication(authentication.TokenAuthentication):
    def authenticate_credentials(self, key):
        for token in AuthToken.objects.filter(token_key=key[:TOKEN_KEY_LENGTH]):
            if token.expiry is not None and token.expiry < timezone.now():
                token.delete()
            elif compare_digest(hash_token(key), token.digest):
                if not token.user.is_active:
                    raise exceptions.AuthenticationFailed('User inactive or deleted.')
                return token.user, token
        raise exceptions.AuthenticationFailed('Invalid token.')
