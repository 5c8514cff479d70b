"""djoser's messages with its own links (djoser/email.py).

Its own classes need django-templated-mail, which Debian does not have.
"""
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from djoser import utils
from djoser.conf import settings


class LinkMail:
    def __init__(self, request, context):
        self.user = context['user']

    def send(self, to):
        uid = utils.encode_uid(self.user.pk)
        token = default_token_generator.make_token(self.user)
        send_mail(type(self).__name__, self.url().format(uid=uid, token=token), None, to)


class PasswordReset(LinkMail):
    def url(self):
        return settings.PASSWORD_RESET_CONFIRM_URL


class Activation(LinkMail):
    def url(self):
        return settings.ACTIVATION_URL
