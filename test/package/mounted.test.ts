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

it('serves the API below /auth, and its own route needs a token', async () => {
  expect(project.npx('wrangler', 'd1', 'migrations', 'apply', 'DB', '--local').status).toBe(0);
  const url = await project.serve();
  const meg = { username: 'meg@ducharme.com', password: 'ducharme' };
  const { token } = (await ask(`${url}/auth/register`, 'POST', undefined, meg)).body;
  expect((await ask(`${url}/rocks`, 'GET')).status).toBe(401);
  expect(await ask(`${url}/rocks`, 'GET', token)).toEqual({
    status: 200,
    body: { owner: meg.username },
  });
});

it('can be deployed as it is', () => {
  expect(project.npx('wrangler', 'deploy', '--dry-run').output).toContain('--dry-run: exiting now');
});
