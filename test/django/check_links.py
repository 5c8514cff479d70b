"""Run by `manage.py shell`: does to users what links.json says. Prints which links are good then."""
import json

from django.contrib.auth.models import User
from django.utils.http import urlsafe_base64_decode

from links import HAPPENINGS, is_good

with open('links.json') as file:
    links = json.load(file)
for link in links:
    if 'then' in link:
        user = User.objects.get(pk=urlsafe_base64_decode(link['uid']).decode())
        HAPPENINGS[link['then']](user)
print(json.dumps([is_good(link['uid'], link['token']) for link in links]))
