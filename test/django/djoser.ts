/** The same requests to a real djoser and to the Worker, over the same users. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { differentExchanges, sameExchanges } from './djoser-exchanges.ts';
import type { Seeded } from './links.ts';
import type { Project } from './project.ts';
import type { TakeMails } from './sent-mails.ts';

export type Request = {
  route: string;
  method?: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** A body to send unchanged instead of `json`. */
  body?: string | FormData;
  /** The name of the request, if its body does not tell. */
  what?: string;
};

/** Of a header there is what a client acts on. */
export type Answer = {
  status: number;
  /** The parsed body, or the title of a page; undefined without a body. */
  body?: unknown;
  allow?: string;
  authenticate?: string;
};

/** With the messages that follow an answer, `<route of the link> <recipient>`. */
type Side = Answer & { mails?: string[] };

/** A request that the two answer differently, or follow with other messages. */
export type Difference = Request & { why: string; djoser: Side; worker: Side };

/** Prints each request and its response, and both responses if they differ deliberately. */
export async function compareWithDjoser(
  { directory }: Project,
  origins: { djoser: string; worker: string },
  takeMails: TakeMails,
  { links, token }: Seeded,
): Promise<void> {
  const askBoth = async (request: Request) => ({
    djoser: await ask(origins.djoser, request),
    worker: await ask(origins.worker, request),
  });

  const same = sameExchanges(links, token);
  for (const request of same) {
    const { djoser, worker } = await askBoth(request);
    assert.deepEqual(worker, djoser, nameOf(request));
    console.log(`  ${nameOf(request)} → ${show(djoser)}`);
  }
  const mails = mailsOfDjoser(directory);
  assert.deepEqual(await mailsOfWorker(takeMails, mails.length), mails);
  console.log(`djoser and the Worker answer ${same.length} requests alike, with the same messages`);

  const different = differentExchanges(links);
  for (const { why, djoser, worker, ...request } of different) {
    const { mails: _, ...answerOfDjoser } = djoser;
    const { mails: __, ...answerOfWorker } = worker;
    const expected = { djoser: answerOfDjoser, worker: answerOfWorker };
    assert.deepEqual(await askBoth(request), expected, nameOf(request));
    console.log(`  ${nameOf(request)}: ${why}`);
    console.log(`    djoser → ${show(answerOfDjoser)} ${(djoser.mails ?? []).join(', ')}`);
    console.log(`    Worker → ${show(answerOfWorker)} ${(worker.mails ?? []).join(', ')}`);
  }
  const djoserMails = [...mails, ...different.flatMap(({ djoser }) => djoser.mails ?? [])];
  assert.deepEqual(mailsOfDjoser(directory), djoserMails.sort());
  const workerMails = different.flatMap(({ worker }) => worker.mails ?? []).sort();
  assert.deepEqual(await mailsOfWorker(takeMails, workerMails.length), workerMails);
  console.log(`djoser and the Worker answer ${different.length} requests differently, on purpose`);
}

async function ask(origin: string, request: Request): Promise<Answer> {
  const { route, method = 'POST', headers, json, body = null } = request;
  const type = json === undefined ? undefined : { 'Content-Type': 'application/json' };
  const response = await fetch(`${origin}/users/${route}/`, {
    method,
    headers: { ...type, ...headers },
    body: json === undefined ? body : JSON.stringify(json),
  });
  const text = await response.text();
  const { status } = response;
  const isJson = response.headers.get('Content-Type') === 'application/json';
  const allow = status === 405 ? response.headers.get('Allow') : null;
  const authenticate = response.headers.get('WWW-Authenticate');
  return {
    status,
    ...(text !== '' && {
      body: isJson ? JSON.parse(text) : /<title>(.*)<\/title>/.exec(text)?.[1],
    }),
    ...(allow !== null && { allow }),
    ...(authenticate !== null && { authenticate }),
  };
}

/** All that there are, each as in `Side`. */
function mailsOfDjoser(directory: string): string[] {
  const folder = join(directory, 'sent');
  const sent = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  const links = sent
    .join('')
    .matchAll(/^To: (?<to>[^\n]*)\n.*?https:\/\/example\.com\/(?<route>\w+)\//gms);
  return [...links].map(({ groups }) => `${groups?.route} ${groups?.to}`).sort();
}

/** Those that were sent since, each as in `Side`. */
async function mailsOfWorker(takeMails: TakeMails, count: number): Promise<string[]> {
  const mails = await takeMails(count);
  return mails
    .map(({ to, text }) => `${/https:\/\/example\.com\/(\w+)\//.exec(text)?.[1]} ${to}`)
    .sort();
}

function nameOf({ route, method = 'POST', headers, what, json, body }: Request): string {
  const sent = what ?? (json === undefined ? String(body ?? '') : JSON.stringify(json));
  const named = Object.entries(headers ?? {}).map(([name, value]) => `(${name}: ${value})`);
  return [method, route, shorten(sent), ...named].join(' ');
}

function show({ status, body, allow, authenticate }: Answer): string {
  const shown = [status, body === undefined ? '' : shorten(JSON.stringify(body))];
  if (allow !== undefined) shown.push(`(Allow: ${allow})`);
  if (authenticate !== undefined) shown.push(`(WWW-Authenticate: ${authenticate})`);
  return shown.join(' ').trim();
}

/** Characters of a body that are printed. */
const SHOWN_LENGTH = 120;

const shorten = (text: string): string =>
  text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
