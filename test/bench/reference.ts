/**
 * A minimal Worker with the same successful responses, to compare the product with: one prepared
 * select for `GET /me`, one select and one native PBKDF2 for `POST /login`, one native PBKDF2 and one
 * batch for `POST /register`. It has no framework, no validation and no error responses. Do not
 * deploy it.
 */
import { pbkdf2 as noble } from '@noble/hashes/pbkdf2.js';
import { sha256 } from '@noble/hashes/sha2.js';

const ITERATIONS = 600_000;
const HASH_BITS = 256;
const SALT_BYTES = 16;
const KEY_BYTES = 20;

type Body = Record<'username' | 'password' | 'email', string>;
type Statements = ReturnType<typeof prepare>;

let statements: Statements | undefined;

export default {
  async fetch(request, env) {
    statements ??= prepare(env.DB);
    switch (new URL(request.url).pathname) {
      case '/me':
        return me(request, statements);
      case '/login':
        return login(await request.json<Body>(), statements);
      case '/register':
        return register(await request.json<Body>(), env.DB, statements);
      default:
        return new Response(null, { status: 404 });
    }
  },
} satisfies ExportedHandler<Env>;

function prepare(db: D1Database) {
  return {
    me: db.prepare(
      `select u.id, u.username, u.first_name, u.last_name, u.email, u.is_active
       from authtoken_token t join auth_user u on u.id = t.user_id where t.key = ?`,
    ),
    login: db.prepare(
      `select u.password, t.key
       from auth_user u left join authtoken_token t on t.user_id = u.id where u.username = ?`,
    ),
    insertUser: db.prepare(
      `insert into auth_user (password, is_superuser, username, last_name, email, is_staff,
         is_active, date_joined, first_name) values (?, 0, ?, '', ?, 0, 1, ?, '')`,
    ),
    insertToken: db.prepare(
      `insert into authtoken_token (key, created, user_id)
       values (?, ?, (select id from auth_user where username = ?))`,
    ),
  };
}

async function me(request: Request, statements: Statements) {
  const key = request.headers.get('Authorization')?.slice('Token '.length) ?? '';
  const user = await statements.me.bind(key).first();
  if (!user?.is_active) return new Response(null, { status: 401 });
  const { id, username, first_name, last_name, email } = user;
  return Response.json({ id, username, first_name, last_name, email });
}

async function login({ username, password }: Body, statements: Statements) {
  const user = await statements.login.bind(username).first<{ password: string; key: string }>();
  const [, iterations, salt = '', hash] = user?.password.split('$') ?? [];
  const isCorrect = (await pbkdf2(password, salt, Number(iterations))) === hash;
  if (!isCorrect) return new Response(null, { status: 401 });
  return Response.json({ valid: true, token: user?.key });
}

async function register({ username, password, email }: Body, db: D1Database, sql: Statements) {
  const salt = hex(SALT_BYTES);
  const encoded = `pbkdf2_sha256$${ITERATIONS}$${salt}$${await pbkdf2(password, salt, ITERATIONS)}`;
  const token = hex(KEY_BYTES);
  const now = new Date().toISOString().replace('T', ' ').replace('Z', '000');
  await db.batch([
    sql.insertUser.bind(encoded, username, email, now),
    sql.insertToken.bind(token, now, username),
  ]);
  return Response.json({ token }, { status: 201 });
}

/** @returns base64 of 32 bytes */
async function pbkdf2(password: string, salt: string, iterations: number): Promise<string> {
  const bytes = new TextEncoder();
  const [rawKey, rawSalt] = [bytes.encode(password), bytes.encode(salt)];
  const key = await crypto.subtle.importKey('raw', rawKey, 'PBKDF2', false, ['deriveBits']);
  const parameters = { name: 'PBKDF2', hash: 'SHA-256', salt: rawSalt, iterations };
  const hash = await crypto.subtle
    .deriveBits(parameters, key, HASH_BITS)
    // Counts that production refuses run in JavaScript.
    .catch(() => noble(sha256, rawKey, rawSalt, { c: iterations, dkLen: HASH_BITS / 8 }));
  return btoa(String.fromCharCode(...new Uint8Array(hash)));
}

const hex = (length: number): string => crypto.getRandomValues(new Uint8Array(length)).toHex();
