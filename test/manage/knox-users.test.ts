/** Commands for users who have tokens of knox. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { useManage, withVars } from '../helpers/manage.ts';

const { manage, query } = useManage();

const DUMP = 'test/conformance/knox-dumpdata.json';
const KNOX = withVars({ TOKEN_MODEL: 'knox.AuthToken' });
const OF_BOB = 'SELECT * FROM knox_authtoken WHERE user_id = 2';

test('drf_create_token makes a token of knox and prints it once', async () => {
  await manage(['import', DUMP]);
  const { stdout } = await manage(['drf_create_token', 'bob'], KNOX);
  const [, token = '', expiry] =
    /^Generated token ([0-9a-f]{64}) for user bob, expires (.+)\n$/.exec(stdout) ?? [];
  const digest = createHash('sha512').update(token).digest('hex');
  expect(await query(OF_BOB)).toHaveLength(4);
  expect(await query(`${OF_BOB} AND digest = '${digest}'`)).toMatchObject([
    { expiry, token_key: token.slice(0, 15) },
  ]);
  await manage(['drf_create_token', '-r', 'bob'], KNOX);
  expect(await query(OF_BOB)).toHaveLength(1);
});

test('drf_delete_token ends the sessions of knox', async () => {
  await manage(['import', DUMP]);
  expect((await manage(['users', '--search', 'bob'])).stdout).toBe('2\tbob\t-\t-\n');
  expect(await manage(['drf_delete_token', 'bob'])).toMatchObject({ code: 0 });
  expect(await query(OF_BOB)).toEqual([]);
  expect((await manage(['users', '--search', 'bob'])).stdout).toBe('2\tbob\t-\tno token\n');
});
