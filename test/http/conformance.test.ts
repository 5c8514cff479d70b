/** Replays responses recorded from Django and DRF. replay.mjs describes the format of the cases. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { Hono } from 'hono';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import recorded from '../conformance/http-cases.json?raw';
import { compare, expand, freshVars } from '../conformance/replay.mjs';
import { send, unthrottled } from '../helpers/client.ts';

const Request_ = v.object({
  method: v.string(),
  path: v.string(),
  headers: v.optional(v.record(v.string(), v.string()), {}),
  body: v.optional(v.unknown()),
  bodyRaw: v.optional(v.string()),
  bodyLatin1: v.optional(v.string()),
});

const Exchange = v.object({
  name: v.string(),
  request: Request_,
  expect: v.looseObject({ status: v.number() }),
  capture: v.optional(v.record(v.string(), v.string()), {}),
});

const Scenario = v.object({
  category: v.string(),
  id: v.string(),
  tier: v.string(),
  steps: v.array(v.union([Exchange, v.object({ name: v.string(), sql: v.string() })])),
});

const Cases = v.object({ scenarios: v.array(Scenario), needs_db: v.array(Scenario) });

type Vars = Record<string, string>;

const { scenarios, needs_db } = v.parse(Cases, JSON.parse(recorded));

const host = new Hono().route('/auth', createApp());

/** The same app mounted in another app. */
async function sendBelowAuth(path: string, init: RequestInit): Promise<Response> {
  const ctx = createExecutionContext();
  const request = new Request(`http://localhost:8000/auth${path}`, init);
  const response = await host.fetch(request, unthrottled, ctx);
  await waitOnExecutionContext(ctx);
  return response;
}

type Send = typeof sendBelowAuth;

describe.each([
  { app: 'the standalone app', sendToApp: send },
  { app: 'the app mounted at /auth', sendToApp: sendBelowAuth },
])('$app', ({ sendToApp }) => {
  describe.each([...scenarios, ...needs_db])('$category/$id ($tier)', ({ steps }) => {
    const vars: Vars = freshVars();
    for (const [i, step] of steps.entries()) {
      it(`${i + 1}. ${step.name}`, () =>
        'sql' in step ? runSql(step.sql, vars) : replay(step, vars, sendToApp));
    }
  });
});

async function runSql(sql: string, vars: Vars) {
  await env.DB.exec(expand(sql, vars));
}

async function replay(
  { request, expect: expected, capture }: v.InferOutput<typeof Exchange>,
  vars: Vars,
  sendToApp: Send,
) {
  const response = await ask(request, vars, sendToApp);
  const { status } = response;
  const headers = Object.fromEntries(response.headers);
  const { problems, json } = compare(
    expected,
    { status, headers, text: await response.text() },
    vars,
  );
  expect(problems).toEqual([]);
  for (const [name, key] of Object.entries(capture)) vars[name] = json[key];
}

function ask(request: v.InferOutput<typeof Request_>, vars: Vars, sendToApp: Send) {
  const headers = new Headers();
  for (const [name, value] of Object.entries<string>(expand(request.headers, vars))) {
    // Recorded one character per byte; workerd reads the bytes of a header as UTF-8.
    headers.set(name, new TextDecoder().decode(latin1(value)));
  }
  if (request.body !== undefined && !headers.has('Content-Type')) {
    headers.set('Content-Type', 'application/json');
  }
  const body = toBody(request, vars);
  return sendToApp(expand(request.path, vars), { method: request.method, headers, body });
}

function toBody({ body, bodyRaw, bodyLatin1 }: v.InferOutput<typeof Request_>, vars: Vars) {
  if (body !== undefined) return JSON.stringify(expand(body, vars));
  if (bodyRaw !== undefined) return new TextEncoder().encode(expand(bodyRaw, vars));
  if (bodyLatin1 !== undefined) return latin1(expand(bodyLatin1, vars));
  return null;
}

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
