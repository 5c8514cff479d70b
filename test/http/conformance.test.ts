/** Replays responses recorded from Django and DRF. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { Hono } from 'hono';
import { describe } from 'vitest';
import { createApp } from '../../src/app.ts';
import cases from '../conformance/http-cases.json?raw';
import { send, unthrottled } from '../helpers/client.ts';
import { replayCases } from '../helpers/replay-cases.ts';

const host = new Hono().route('/auth', createApp());

/** The same app mounted in another app. */
async function sendBelowAuth(path: string, init: RequestInit): Promise<Response> {
  const ctx = createExecutionContext();
  const request = new Request(`http://localhost:8000/auth${path}`, init);
  const response = await host.fetch(request, unthrottled, ctx);
  await waitOnExecutionContext(ctx);
  return response;
}

describe.each([
  { app: 'the standalone app', sendToApp: send },
  { app: 'the app mounted at /auth', sendToApp: sendBelowAuth },
])('$app', ({ sendToApp }) => replayCases(cases, { send: sendToApp }));
