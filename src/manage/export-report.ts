/** The report of `manage export --against`: what the script changes, and the users who need attention. */

import { count, number } from '../lib/format-number.ts';
import { MANAGE } from './called.ts';
import type { Changes, DeletedUsers } from './django-changes.ts';
import { type Found, list } from './found.ts';
import { note, print, warn } from './terminal.ts';

type ReportOptions = {
  path: string;
  deletedUsers: DeletedUsers;
  /** Whether the files that were imported before are given. */
  isImportedKnown: boolean;
  hasKnoxTokens: boolean;
};

export function printChanges(
  changes: Changes,
  { path, deletedUsers, isImportedKnown, hasKnoxTokens }: ReportOptions,
): void {
  const fields = [...changes.fields].map(([name, users]) => `${name} ${number(users)}`);
  print(`Users on both sides: ${number(changes.same)}`);
  print(
    `Users to update:     ${number(changes.updated)}${fields.length > 0 ? ` (${fields.join(', ')})` : ''}`,
  );
  print(`Users to create:     ${number(changes.created)}`);
  if (deletedUsers !== 'keep') {
    print(`Users to ${deletedUsers}:`.padEnd(21) + number(changes.deletedHere.total));
  }
  print(`Tokens to write:     ${number(changes.tokensWritten)}`);
  print(`Tokens to remove:    ${number(changes.tokensRemoved)}`);
  if (hasKnoxTokens) {
    print(`Knox tokens to write:  ${number(changes.knoxTokensWritten)}`);
    print(`Knox tokens to remove: ${number(changes.knoxTokensRemoved)}`);
    print(`Knox tokens to renew:  ${number(changes.knoxTokensRenewed)}`);
  }

  const report = (found: Found, which: string, advice: string): void => {
    if (found.total > 0) warn(`${count(found.total, 'user')} ${which}: ${list(found)}. ${advice}`);
  };
  report(
    changes.newIds,
    'whose id belongs to another user in Django',
    'They get new ids, which the script prints.',
  );
  report(
    changes.usernameTaken,
    'whose username belongs to another user in Django',
    'They are left out, with their tokens. If it is the same person: --user <username> --match-users-by username.',
  );
  report(
    changes.loginTaken,
    'whose address belongs to another user in Django, where users log in with it',
    'They keep their address there.',
  );
  report(
    changes.tokenTaken,
    'whose token belongs to another user in Django',
    `Their tokens are left out. Replace them with \`${MANAGE} drf_create_token -r <username>\`.`,
  );
  report(changes.deactivated, 'inactive here and active in Django', 'The script deactivates them.');
  report(
    changes.keptRights,
    'with other rights in Django, which it keeps',
    'Use --imported to find out which side has changed them.',
  );
  if (isImportedKnown) {
    const advice = {
      keep: 'They can still log in to Django: use --deleted-users deactivate or delete.',
      deactivate: 'The script deactivates them, and removes their tokens.',
      delete: 'The script deletes them, and everything in Django that belongs to them.',
    }[deletedUsers];
    report(changes.deletedHere, 'deleted here', advice);
    report(changes.othersInDjango, 'only in Django', 'They stay as they are.');
  } else {
    report(
      changes.othersInDjango,
      'only in Django',
      'They stay as they are. They have registered there, or were deleted here: use --imported to find out.',
    );
  }
  note(`Now run in the folder of manage.py: python manage.py shell < ${path}`);
}
