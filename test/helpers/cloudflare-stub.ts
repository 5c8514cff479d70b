/**
 * Cloudflare's API on loopback: the part that the pinned wrangler uses to deploy this Worker. Databases are
 * real SQLite, so that the migrations run. It also serves the health check of the deployed Worker.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { buffer } from 'node:stream/consumers';
import * as v from 'valibot';

const ACCOUNT = '0123456789abcdef0123456789abcdef';
const SUBDOMAIN = 'stub';
/** Error codes of "not found" that wrangler checks. https://developers.cloudflare.com/api */
const NO_WORKER = 10_007;
const NO_DATABASE = 7404;
const HOUR_MS = 3_600_000;

class ApiError extends Error {
  status: number;
  code: number;
  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

type Route = [method: string, path: RegExp, answer: (match: string[], body: Buffer) => unknown];

type Options = {
  accounts?: { id: string; name: string }[];
  /** The secrets that the Worker has after the upload. */
  secrets?: { name: string; type: 'secret_text' }[];
};

/** The body of a new secret. */
const Secret = v.object({ name: v.string(), text: v.string(), type: v.literal('secret_text') });

export async function startCloudflare({
  accounts = [{ id: ACCOUNT, name: 'Stub' }],
  secrets: given = [],
}: Options = {}) {
  const secrets = given.map(({ name, type }) => ({ name, text: '', type }));
  /** Method and path of each request, in order. */
  const requests: string[] = [];
  const databases = new Map<string, { uuid: string; name: string; db: DatabaseSync }>();
  let worker: { name: string; uploads: number } | undefined;
  /** The body of the last upload. */
  let upload = '';
  let broken: RegExp | undefined;
  let isHealthy = true;

  const database = (idOrName = '') => {
    const name = decodeURIComponent(idOrName);
    const found = databases.get(name) ?? [...databases.values()].find(({ uuid }) => uuid === name);
    if (!found) throw new ApiError(404, NO_DATABASE, `The database ${name} could not be found`);
    return found;
  };
  const existing = () => {
    if (!worker) throw new ApiError(404, NO_WORKER, 'This Worker does not exist on your account.');
    return worker;
  };
  const uploaded = (name = '', body: Buffer) => {
    upload = body.toString('latin1');
    worker = { name, uploads: (worker?.uploads ?? 0) + 1 };
    const id = `00000000-0000-4000-8000-${String(worker.uploads).padStart(12, '0')}`;
    return {
      id,
      deployment_id: id.replaceAll('-', ''),
      startup_time_ms: 1,
      resources: { script: { etag: 'e' } },
    };
  };
  const publicly = ({ uuid, name }: { uuid: string; name: string }) => ({ uuid, name });
  const workersDev = { enabled: true, previews_enabled: true };

  const routes: Route[] = [
    ['GET', /^\/user$/, () => ({ email: 'ann@example.com' })],
    ['GET', /^\/user\/tokens\/verify$/, () => ({ id: 'token', status: 'active' })],
    ['GET', /^\/memberships$/, () => accounts.map((account) => ({ id: account.id, account }))],
    ['GET', /^\/accounts$/, () => accounts],
    ['POST', /^\/provisioning\/previews\/challenge$/, () => challenge],
    ['POST', /^\/provisioning\/previews$/, () => temporaryAccount()],
    ['GET', /\/d1\/database$/, () => [...databases.values()].map(publicly)],
    [
      'POST',
      /\/d1\/database$/,
      (_, body) => {
        const { name } = JSON.parse(body.toString());
        const uuid = `11111111-1111-4111-8111-${String(databases.size).padStart(12, '0')}`;
        databases.set(name, { uuid, name, db: new DatabaseSync(':memory:') });
        return publicly(database(name));
      },
    ],
    ['GET', /\/d1\/database\/([^/]+)$/, ([, id]) => publicly(database(id))],
    ['POST', /\/d1\/database\/([^/]+)\/query$/, ([, id], body) => query(database(id).db, body)],
    ['GET', /\/workers\/subdomain$/, () => ({ subdomain: SUBDOMAIN })],
    [
      'GET',
      /\/workers\/services\/[^/]+$/,
      () => ({
        id: existing().name,
        default_environment: {
          environment: 'production',
          script: { last_deployed_from: 'wrangler', migration_tag: 'v2', tag: 'tag', tags: [] },
        },
      }),
    ],
    ['GET', /\/workers\/workers\/([^/]+)$/, ([, name]) => ({ name, subdomain: workersDev })],
    ['POST', /\/scripts\/[^/]+\/subdomain$/, () => workersDev],
    [
      'GET',
      /\/scripts\/[^/]+\/secrets$/,
      () => existing() && secrets.map(({ name, type }) => ({ name, type })),
    ],
    [
      'PUT',
      /\/scripts\/[^/]+\/secrets$/,
      (_, body) => {
        existing();
        const { name, text, type } = v.parse(Secret, JSON.parse(body.toString()));
        secrets.push({ name, text, type });
        return { name, type };
      },
    ],
    ['GET', /\/scripts\/[^/]+\/deployments$/, () => existing() && { deployments: [] }],
    ['POST', /\/scripts\/[^/]+\/deployments$/, () => ({ id: 'deployment' })],
    [
      'GET',
      /\/scripts\/[^/]+\/settings$/,
      () =>
        existing() && {
          bindings: [...databases.values()].map(({ uuid }) => ({
            type: 'd1',
            name: 'DB',
            id: uuid,
          })),
        },
    ],
    ['PATCH', /\/scripts\/[^/]+\/script-settings$/, () => ({})],
    ['PUT', /\/scripts\/([^/]+)$/, ([, name], body) => uploaded(name, body)],
    ['POST', /\/scripts\/([^/]+)\/versions$/, ([, name], body) => uploaded(name, body)],
  ];

  function answer(line: string, body: Buffer): { status: number; body: object } {
    try {
      if (broken?.test(line)) throw new ApiError(400, 1, 'Broken for a test.');
      const [method = '', path = ''] = line.split(' ');
      for (const [routeMethod, pattern, handler] of routes) {
        const match = method === routeMethod && pattern.exec(path);
        if (match) return success(handler(match, body));
      }
      throw new ApiError(404, 0, `The stub does not know ${line}`);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const { status = 400, code = 7500 } = error instanceof ApiError ? error : {};
      return {
        status,
        body: { success: false, result: null, errors: [{ code, message: error.message }] },
      };
    }
  }

  const server = createServer(async (request: IncomingMessage, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://stub');
    const line = `${request.method} ${pathname}`;
    const body = await buffer(request);
    requests.push(line);
    const { status, body: json } = /^GET (\/auth)?\/health$/.test(line)
      ? { status: isHealthy ? 200 : 503, body: {} }
      : answer(line, body);
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(json));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    /** Refuses matching requests until the next call. */
    breakAt(line?: RegExp) {
      broken = line;
    },
    sicken() {
      isHealthy = false;
    },
    uploads: () => worker?.uploads ?? 0,
    uploaded: () => upload,
    databases: () => [...databases.keys()],
    /** The values of the secrets with this name, in the order in which they were set. */
    secrets: (wanted: string) =>
      secrets.filter(({ name }) => name === wanted).map(({ text }) => text),
    /** The tables that the migrations created. */
    tables: (name: string) =>
      database(name)
        .db.prepare(
          `SELECT name FROM sqlite_master WHERE type = 'table'
           AND name NOT IN ('d1_migrations', 'sqlite_sequence')`,
        )
        .all()
        .map((row) => row.name),
    stop: () => new Promise<void>((stopped) => server.close(() => stopped())),
  };
}

const success = (result: unknown) => ({
  status: 200,
  body: { success: true, result, errors: [], messages: [] },
});

/** The smallest proof of work for wrangler: one step of one round. */
const challenge = {
  challengeToken: 'challenge',
  seed: Buffer.alloc(32).toString('base64url'),
  k: 1,
  g: 1,
};

function temporaryAccount() {
  const expiresAt = new Date(Date.now() + HOUR_MS).toISOString();
  return {
    account: { id: ACCOUNT, name: 'Temporary', apiToken: 'temporary-token', expiresAt },
    claim: { url: 'https://dash.cloudflare.com/claim/stub', expiresAt },
  };
}

/** One result per statement, as in D1. SQLite stops at a failed statement, as D1 does. */
function query(db: DatabaseSync, body: Buffer) {
  const { sql } = JSON.parse(body.toString());
  const isOneSelect = /^\s*SELECT[^;]*;?\s*$/i.test(sql);
  const results = isOneSelect ? db.prepare(sql).all() : [];
  if (!isOneSelect) db.exec(`BEGIN; ${sql}; COMMIT;`);
  return [{ success: true, results, meta: { duration: 1 } }];
}
