/** The Worker of docs/mounting.md, from the package. pages.node.test.ts compares it with the page. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { ask, createProject, type Project } from './project.ts';

let project: Project;

beforeAll(() => {
  project = createProject('mounted', inject('tarball'), ['hono', 'drizzle-orm']);
});
afterAll(() => project.remove());

it('compiles', () => {
  project.compile('--skipLibCheck');
});

/** Hashes of "correct horse battery staple" that need the WebAssembly of the package. */
const IMPORTED = {
  argon2: 'argon2$argon2id$v=19$m=64,t=2,p=2$SFAxdjJBMFk3S0tyMnZMdw$J2HumlsQ2HBj4sysZYAMKg',
  bcrypt: 'bcrypt_sha256$$2b$04$YnQiK8P/xegh11c6OpTz0uQ3qSYPPxtWKbClDguSRiDMmoP3U3KYK',
};

it('serves the API below /auth, and its own route needs a token', async () => {
  expect(project.npx('wrangler', 'd1', 'migrations', 'apply', 'DB', '--local').status).toBe(0);
  const rows = Object.entries(IMPORTED).map(
    ([name, hash]) => `('${hash}', 0, '${name}', '', '', 0, 1, '2024-03-18 02:30:00', '')`,
  );
  const insert = `INSERT INTO auth_user (password, is_superuser, username, last_name, email, is_staff,
    is_active, date_joined, first_name) VALUES ${rows.join(', ')}`;
  const inserted = project.npx('wrangler', 'd1', 'execute', 'DB', '--local', '--command', insert);
  expect(inserted.status).toBe(0);
  const url = await project.serve();
  const meg = { username: 'meg@ducharme.com', password: 'ducharme' };
  const { token } = (await ask(`${url}/auth/register`, 'POST', undefined, meg)).body;
  expect((await ask(`${url}/rocks`, 'GET')).status).toBe(401);
  expect(await ask(`${url}/rocks`, 'GET', token)).toEqual({
    status: 200,
    body: { owner: meg.username },
  });
  for (const username of Object.keys(IMPORTED)) {
    const credentials = { username, password: 'correct horse battery staple' };
    const { status } = await ask(`${url}/auth/login`, 'POST', undefined, credentials);
    expect({ username, status }).toEqual({ username, status: 200 });
  }
});

it('can be deployed as it is', () => {
  expect(project.npx('wrangler', 'deploy', '--dry-run').output).toContain('--dry-run: exiting now');
});
