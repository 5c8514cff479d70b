"""A user model of a project's own: Django's fields, and fields that only Django has."""
from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    bio = models.TextField(default='nothing to say')
    phone = models.CharField(max_length=20, null=True)
    invited_by = models.ForeignKey('self', null=True, on_delete=models.SET_NULL)
