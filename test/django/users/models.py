"""A user model of a project's own: Django's fields, and fields that only Django has."""
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.signals import post_save
from django.dispatch import receiver
from rest_framework.authtoken.models import Token


class User(AbstractUser):
    bio = models.TextField(default='nothing to say')
    phone = models.CharField(max_length=20, null=True)
    invited_by = models.ForeignKey('self', null=True, on_delete=models.SET_NULL)


@receiver(post_save, sender=settings.AUTH_USER_MODEL)
def create_auth_token(sender, instance=None, created=False, **kwargs):
    """As DRF's documentation has it ("Generating Tokens"). It runs for `loaddata` too."""
    if created:
        Token.objects.create(user=instance)
