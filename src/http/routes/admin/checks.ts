import { inspectDatabase } from '../../../auth/staff.ts';
import {
  checkBindings,
  checkHashing,
  checkKey,
  checkMail,
  checkOrigins,
  checkPasswords,
  checkStoredPasswords,
  checkTokenAge,
  type Finding,
  missingKey,
  ok,
  warning,
} from '../../../services/production.ts';
import { noBody } from '../../body.ts';
import type { AppContext } from '../../context.ts';
import { NO_STORE } from '../../no-store.ts';
import { staff } from './access.ts';
import { NOT_STAFF } from './descriptions.ts';
import { adminRoute } from './route.ts';
import { CHECKS } from './schemas.ts';

export const listChecks = adminRoute('GET /admin/api/checks', {
  access: staff,
  body: noBody,
  description: {
    operationId: 'adminChecks',
    summary: 'Check the settings, bindings and database of the running Worker',
    description:
      'The checks of the command `doctor` that a Worker can make itself. `level` is OK, WARNING or TO DO. The passwords of the newest 10,000 users are looked at.',
    responses: {
      200: { description: 'The findings.', schema: CHECKS },
      ...NOT_STAFF,
    },
  },
  handle: async (c) => c.json({ checks: await findingsOf(c) }, 200, NO_STORE),
});

async function findingsOf(c: AppContext): Promise<Finding[]> {
  const { settings, isBound, databaseBinding } = c.var;
  const { missingIndexes, passwords } = await inspectDatabase(c.var);
  const unbound = checkBindings(isBound);
  const { secretKey: key } = settings;
  return [
    missingIndexes.length === 0
      ? ok('Migrations: the database has all indexes.')
      : warning(
          `Migrations not applied: the database lacks ${missingIndexes.join(', ')}. Run npx wrangler d1 migrations apply ${databaseBinding} --remote`,
        ),
    ...passwords.map(({ users, password }) => checkStoredPasswords(users, password)),
    checkHashing(isBound('PASSWORD_HASHER'), settings),
    ...(unbound.length > 0 ? unbound : [ok('All rate limits are bound.')]),
    ...checkOrigins(settings),
    ...checkPasswords(settings),
    ...checkTokenAge(settings),
    ...checkMail(
      {
        isBound: isBound('EMAIL'),
        secretKey:
          key === undefined
            ? missingKey('npx wrangler secret put SECRET_KEY')
            : checkKey(key, 'SECRET_KEY'),
        hosts: [new URL(c.req.url).hostname],
      },
      settings,
    ),
  ];
}
