/** The Worker of docs/own-api.md, from the package: fields, events and users from code. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { ask, createProject, type Project } from './project.ts';

const MEG = { username: 'meg@ducharme.com', password: 'ducharme' };

let project: Project;

beforeAll(() => {
  project = createProject('own-api', inject('tarball'), ['hono', 'drizzle-orm', 'valibot']);
  const migrations = join(project.directory, 'migrations');
  cpSync(join(project.directory, 'node_modules/edge-authtoken/drizzle'), migrations, {
    recursive: true,
  });
});
afterAll(() => project.remove());

it('compiles with the strictest options, all declarations included', () => {
  project.compile();
});

it('stores a nickname at registration, handles a failed login and deletes a user by its own route', async () => {
  const d1 = (...args: string[]) => project.npx('wrangler', 'd1', ...args, '--local');
  expect(d1('migrations', 'apply', 'DB').status).toBe(0);
  const url = await project.serve();
  expect(await ask(`${url}/auth/register`, 'POST', undefined, MEG)).toEqual({
    status: 400,
    body: { nickname: ['This field is required.'] },
  });
  const registered = await ask(`${url}/auth/register`, 'POST', undefined, {
    ...MEG,
    nickname: 'Meg',
  });
  const { token } = registered.body;
  expect((await ask(`${url}/auth/me`, 'GET', token)).body).toMatchObject({ nickname: 'Meg' });
  const wrong = { ...MEG, password: 'wrong' };
  expect((await ask(`${url}/auth/login`, 'POST', undefined, wrong)).status).toBe(401);
  const select = (sql: string) => d1('execute', 'DB', '--json', '--command', sql).stdout;
  await expect.poll(() => select('SELECT reason FROM failed_login')).toContain('wrong-password');
  select('UPDATE auth_user SET is_staff = 1');
  expect((await ask(`${url}/staff/users/${MEG.username}`, 'DELETE', token)).status).toBe(204);
  expect(await ask(`${url}/auth/me`, 'GET', token)).toEqual({
    status: 401,
    body: { detail: 'Invalid token.' },
  });
  expect(select('SELECT count(*) AS profiles FROM profile')).toContain('"profiles": 0');
});
