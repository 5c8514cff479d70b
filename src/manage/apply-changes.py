"""Changes for a Django project, written by `manage export --against`. It has password hashes and tokens: keep it secret.

Run it in the folder of manage.py: python manage.py shell < THIS_FILE
On Windows: python manage.py shell -c "exec(open('THIS_FILE').read())"

Either all changes are made or none. A user who is no longer as in the compared file stops it.
Only the fields that are listed below are written. A change that is already made is left as it is.
"""
import io
import json
from datetime import datetime, timedelta, timezone

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import CommandError
from django.core.management.color import no_style
from django.db import Error, connections, models, router, transaction
from django.utils.dateparse import parse_datetime

# Names of users that are printed of each kind.
NAMED = 20
# Characters of a token that knox 5 stores (knox/settings.py, CONSTANTS).
TOKEN_KEY_LENGTH = 15
MILLISECOND = timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Changes:
    def __init__(self, model):
        self.User = get_user_model()
        if self.User._meta.label_lower != model:
            label = self.User._meta.label
            raise CommandError(f'The user model is {label}: export with --user-model {label}')
        has_tokens = apps.is_installed('rest_framework.authtoken')
        self.Token = apps.get_model('authtoken', 'Token') if has_tokens else None
        self.Knox = knox_model()
        self.using = router.db_for_write(self.User)
        self.fields = {field.name: field for field in self.User._meta.concrete_fields}
        self.missing = set()
        # Not a manager of the project's own, which may hide users.
        self.users = self.User._base_manager.using(self.using)
        self.tokens = self.Token._base_manager.using(self.using) if has_tokens else None
        self.knox = self.Knox._base_manager.using(self.using) if self.Knox else None
        # The user of the line before, if it is as in the compared file.
        self.user = None
        self.left_out = 0
        self.name = ''
        self.done = {}
        self.changed_since = []

    def run(self, lines):
        for line in lines:
            change = json.loads(line)
            self.name = change['username']
            if change['kind'] != 'more_tokens':
                self.user = None
            getattr(self, change['kind'])(change)
        if self.changed_since:
            names = ', '.join(self.changed_since[:NAMED])
            raise CommandError(
                'Nothing is changed. Since the compared file was written, Django has changed '
                f'({len(self.changed_since)}): {names}. Write that file again, and export again.'
            )

    def update(self, change):
        user = self.find(change)
        if user is None:
            return self.has_changed()
        fields = self.known(change['fields'])
        values = {name: value for name, (_, value) in fields.items() if not self.has(user, name, value)}
        if any(not self.has(user, name, fields[name][0]) for name in values):
            return self.has_changed()
        if not self.set_tokens(user, change):
            return self.has_changed()
        if values:
            self.users.filter(pk=user.pk).update(**{name: self.to_python(name, value) for name, value in values.items()})
            self.count('Users updated')

    def create(self, change):
        login = self.User.USERNAME_FIELD
        fields = self.known(change['fields'])
        # The address may be the login. Without one it is the username.
        fields[login] = fields.get(login) or self.name
        user = self.users.filter(**{login: fields[login]}).first()
        if user is not None:
            # A run before this one has created the user.
            token = change.get('token', [None, None])[1]
            if user.password == fields['password'] and (token is None or self.token_of(user) == token[0]):
                return None
            return self.has_changed()
        user = self.User(**{name: self.to_python(name, value) for name, value in fields.items()})
        if 'pk' in change and isinstance(self.User._meta.pk, models.IntegerField):
            user.pk = change['pk']
            if self.users.filter(pk=user.pk).exists():
                return self.has_changed()
        # As `loaddata` saves: no date is set anew. Unlike it, it never replaces a row.
        models.Model.save_base(user, raw=True, force_insert=True, using=self.using)
        self.count('Users created')
        if user.pk != change['id']:
            print(f'{self.name}: id {change["id"]} is now {user.pk}')
        if self.tokens is not None:
            # A receiver of `post_save` may have created one, as in DRF's documentation.
            self.tokens.filter(user_id=user.pk).delete()
        self.set_tokens(user, change)

    def more_tokens(self, change):
        """Tokens of knox of the user of the line before, which are too many for one line."""
        if self.user is not None and not self.set_knox_tokens(self.user, change['knox']):
            self.has_changed()

    def deactivate(self, change):
        user = self.find_same(change)
        if user is None or not self.set_tokens(user, change):
            return self.has_changed()
        if self.knox is not None:
            self.count('Knox tokens removed', self.knox.filter(user_id=user.pk).delete()[0])
        if user.is_active:
            self.users.filter(pk=user.pk).update(is_active=False)
            self.count('Users deactivated')

    def delete(self, change):
        user = self.find_same(change)
        if user is None:
            # A run before this one has deleted the user.
            return self.has_changed() if self.users.filter(pk=change['pk']).exists() else None
        user.delete()
        self.count('Users deleted')

    def find(self, change):
        """The user of this id, if it has the same login, or the one that it gets."""
        field = self.User.USERNAME_FIELD
        logins = [change['login'], *change['fields'].get(field, [])]
        return self.users.select_for_update().filter(pk=change['pk'], **{f'{field}__in': logins}).first()

    def find_same(self, change):
        """The user, if its values are the same too."""
        user = self.find(change)
        fields = self.known(change['fields'])
        is_same = user is not None and all(self.has(user, name, value) for name, value in fields.items())
        return user if is_same else None

    def known(self, fields):
        """Those fields that the user model has."""
        self.missing |= fields.keys() - self.fields.keys()
        return {name: value for name, value in fields.items() if name in self.fields}

    def token_of(self, user):
        token = self.tokens.filter(user_id=user.pk).first() if self.tokens is not None else None
        return token and token.key

    def set_tokens(self, user, change):
        self.user = user
        return self.set_token(user, change) and self.set_knox_tokens(user, change.get('knox'))

    def set_token(self, user, change):
        """Replaces a token. Returns False if the user has neither the old one nor the new one."""
        if self.tokens is None or 'token' not in change:
            return True
        old, new = change['token']
        current = self.token_of(user)
        if current == (new and new[0]):
            return True
        if current != old:
            return False
        if new and self.tokens.filter(key=new[0]).exists():
            return False
        if current is not None:
            self.tokens.filter(key=current).delete()
        if new:
            token = self.Token(key=new[0], user_id=user.pk, created=self.moment(new[1]))
            models.Model.save_base(token, raw=True, force_insert=True, using=self.using)
        self.count('Tokens written' if new else 'Tokens removed')
        return True

    def set_knox_tokens(self, user, knox):
        """Writes, removes and renews tokens. Returns False if another user has one of them."""
        if knox is None:
            return True
        if self.knox is None:
            self.left_out += len(knox['write'])
            return True
        own = self.knox.filter(user_id=user.pk)
        for digest in knox['remove']:
            self.count('Knox tokens removed', own.filter(digest=digest).delete()[0])
        for digest, expiry in knox['renew']:
            expiry = self.moment(expiry)
            self.count('Knox tokens renewed', own.filter(digest=digest, expiry__lt=expiry).update(expiry=expiry))
        for digest, token_key, created, expiry in knox['write']:
            owner = self.knox.filter(digest=digest).values_list('user_id', flat=True).first()
            if owner == user.pk:
                continue
            if owner is not None:
                return False
            moments = {'created': self.moment(created), 'expiry': expiry and self.moment(expiry)}
            token = self.Knox(digest=digest, token_key=token_key, user_id=user.pk, **moments)
            # Its `created` is not set anew.
            models.Model.save_base(token, raw=True, force_insert=True, using=self.using)
            self.count('Knox tokens written')
        return True

    def has(self, user, name, value):
        """Whether the user has the value. A dump cuts datetimes off after the millisecond."""
        current = getattr(user, name)
        if isinstance(current, datetime) and value is not None:
            return self.milliseconds(current) == self.milliseconds(self.moment(value))
        return (current or '') == (value or '') if value in ('', None) else current == value

    def to_python(self, name, value):
        is_datetime = isinstance(self.fields[name], models.DateTimeField)
        return self.moment(value) if is_datetime and value is not None else value

    def moment(self, text):
        value = parse_datetime(text)
        return value if settings.USE_TZ else value.replace(tzinfo=None)

    def milliseconds(self, value):
        return ((value if value.tzinfo else value.replace(tzinfo=timezone.utc)) - EPOCH) // MILLISECOND

    def reset_sequence(self, _):
        """The next id is above those that are written (django/core/management/commands/loaddata.py, `load_label`)."""
        connection = connections[self.using]
        with connection.cursor() as cursor:
            for sql in connection.ops.sequence_reset_sql(no_style(), [self.User]):
                cursor.execute(sql)

    def count(self, what, number=1):
        if number:
            self.done[what] = self.done.get(what, 0) + number

    def has_changed(self):
        self.changed_since.append(self.name)


def knox_model():
    """The tokens of knox 5. Older versions accept none of those here."""
    if not apps.is_installed('knox'):
        return None
    model = apps.get_model(getattr(settings, 'KNOX_TOKEN_MODEL', 'knox.AuthToken'))
    is_old = model._meta.get_field('token_key').max_length < TOKEN_KEY_LENGTH
    return None if is_old else model


def apply_changes(model, lines):
    changes = Changes(model)
    try:
        with transaction.atomic(using=changes.using):
            changes.run(lines)
    except (Error, models.ProtectedError) as error:
        raise CommandError(f'Nothing is changed: {changes.name}: {error}') from error
    for what, number in changes.done.items():
        print(f'{what}: {number}')
    if changes.left_out:
        print(f'Knox tokens left out, because the project does not have knox 5: {changes.left_out}')
    if changes.missing:
        print(f'Fields that {changes.User._meta.label} does not have: {", ".join(sorted(changes.missing))}')
    print('Done.')


