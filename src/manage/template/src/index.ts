/** Registration, login and tokens at /, and the rocks of each user at /rocks. */
import { and, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { type Bindings, createApp, tokenAuthentication } from 'edge-authtoken';
import { type Context, Hono } from 'hono';
import { rock } from './schema.ts';

export { PasswordHasher, RateLimitCounter } from 'edge-authtoken';

const auth = createApp();

/** The columns that a response has. */
const SHOWN = { id: rock.id, name: rock.name, weight: rock.weight };

// `/rocks/` is the same as `/rocks`, as for the paths of `auth`.
export default new Hono<{ Bindings: Bindings }>({ strict: false })
  .use('/rocks/*', tokenAuthentication(auth))
  .get('/rocks', async (c) => {
    const isOwn = eq(rock.owner_id, c.var.user.id);
    return c.json(await drizzle(c.env.DB).select(SHOWN).from(rock).where(isOwn));
  })
  .post('/rocks', async (c) => {
    const { errors, fields } = await readRock(c);
    if (errors) return c.json(errors, 400);
    const row = { ...fields, owner_id: c.var.user.id };
    const [created] = await drizzle(c.env.DB).insert(rock).values(row).returning(SHOWN);
    return c.json(created, 201);
  })
  .put('/rocks/:id{[0-9]+}', async (c) => {
    const { errors, fields } = await readRock(c);
    if (errors) return c.json(errors, 400);
    const isOwn = ownRock(c.req.param('id'), c.var.user.id);
    const update = drizzle(c.env.DB).update(rock).set(fields).where(isOwn);
    const [updated] = await update.returning(SHOWN);
    return updated ? c.json(updated) : c.json(NOT_FOUND, 404);
  })
  .delete('/rocks/:id{[0-9]+}', async (c) => {
    const isOwn = ownRock(c.req.param('id'), c.var.user.id);
    const [deleted] = await drizzle(c.env.DB).delete(rock).where(isOwn).returning(SHOWN);
    return deleted ? c.body(null, 204) : c.json(NOT_FOUND, 404);
  })
  // All other paths: /register, /login, /me and so on, and the response to a path that does not exist.
  .route('/', auth);

/** Another user's rock gets the same response as none. */
const NOT_FOUND = { detail: 'Not found.' };

const ownRock = (id: string, ownerId: number) =>
  and(eq(rock.id, Number(id)), eq(rock.owner_id, ownerId));

const MAX_NAME_LENGTH = 100;

/** Reads the fields of a rock from a body in JSON. Errors have the shape and the words of DRF. */
async function readRock(c: Context) {
  const body: unknown = await c.req.json().catch(() => undefined);
  const { name, weight }: { name?: unknown; weight?: unknown } = Object(body);
  if (typeof name !== 'string' || name.trim() === '') {
    return { errors: { name: ['This field may not be blank.'] } };
  }
  if (name.length > MAX_NAME_LENGTH) {
    return { errors: { name: ['Ensure this field has no more than 100 characters.'] } };
  }
  if (typeof weight !== 'number' || !Number.isFinite(weight)) {
    return { errors: { weight: ['A valid number is required.'] } };
  }
  return { fields: { name: name.trim(), weight } };
}
