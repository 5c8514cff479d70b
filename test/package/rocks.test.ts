/** The example `rocks`, from the package: two Workers, one of which identifies for the other. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { ask, createProject, type Project } from './project.ts';

let project: Project;

beforeAll(() => {
  project = createProject('rocks', inject('tarball'), ['hono', 'drizzle-orm', 'valibot']);
});
afterAll(() => project.remove());

it('compiles with the strictest options, all declarations included', () => {
  project.compile();
});

it('protects the routes of one Worker by the tokens of the other, over RPC', async () => {
  const AUTH = ['--config', 'auth.wrangler.toml', '--persist-to', '.wrangler/auth'];
  const migrate = ['wrangler', 'd1', 'migrations', 'apply', 'DB', '--local'];
  expect(project.npx(...migrate).status).toBe(0);
  expect(project.npx(...migrate, ...AUTH).status).toBe(0);
  const [auth, rocks] = [await project.serve(...AUTH), await project.serve()];

  const meg = { username: 'meg@ducharme.com', password: 'ducharme' };
  const { token } = (await ask(`${auth}/register`, 'POST', undefined, meg)).body;
  expect((await ask(`${rocks}/rocks`, 'GET')).status).toBe(401);
  const granite = { id: 1, name: 'Granite' };
  expect(await ask(`${rocks}/rocks`, 'POST', token, { name: 'Granite' })).toEqual({
    status: 201,
    body: granite,
  });
  expect(await ask(`${rocks}/rocks`, 'GET', token)).toEqual({ status: 200, body: [granite] });
  expect((await ask(`${auth}/logout`, 'POST', token)).status).toBe(204);
  expect((await ask(`${rocks}/rocks`, 'GET', token)).status).toBe(401);
});
