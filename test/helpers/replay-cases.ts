/**
 * Replays recorded cases in this Worker, with their SQL and mail. conformance/replay.mjs replays
 * them against a server, and describes their format.
 */
import { env } from 'cloudflare:workers';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { compare, expand, freshVars } from '../conformance/replay.mjs';
import type { Mail } from './mailbox.ts';

const Request_ = v.object({
  method: v.string(),
  path: v.string(),
  headers: v.optional(v.record(v.string(), v.string()), {}),
  body: v.optional(v.unknown()),
  bodyRaw: v.optional(v.string()),
  bodyLatin1: v.optional(v.string()),
  /** A name and a password, sent by `Authorization: Basic` in UTF-8. */
  basic: v.optional(v.tuple([v.string(), v.string()])),
});

const Exchange = v.object({
  name: v.string(),
  request: Request_,
  expect: v.looseObject({}),
  capture: v.optional(v.record(v.string(), v.string()), {}),
});

const SqlStep = v.object({ name: v.string(), sql: v.string() });

const MailStep = v.object({
  name: v.string(),
  mail: v.object({
    to: v.string(),
    capture: v.optional(v.record(v.string(), v.string()), {}),
    none: v.optional(v.boolean(), false),
  }),
});

const Scenario = v.object({
  category: v.string(),
  id: v.string(),
  tier: v.string(),
  vars: v.optional(v.record(v.string(), v.string()), {}),
  steps: v.array(v.union([Exchange, SqlStep, MailStep])),
});

const Scenarios = v.optional(v.array(Scenario), []);

const Lists = v.object({ scenarios: Scenarios, needs_db: Scenarios, needs_mail: Scenarios });

const Cases = v.object({
  ...Lists.entries,
  variants: v.optional(v.record(v.string(), Lists), {}),
});

type Vars = Record<string, string>;

type Server = {
  send: (path: string, init: RequestInit) => Promise<Response>;
  /** The messages that were sent. */
  mails?: Mail[];
};

/**
 * Describes the recorded scenarios as tests.
 *
 * @param cases the text of a file of cases
 * @param variant undefined for the scenarios of the usual configuration
 * @param differences the steps that must differ, as `category/id: step`, or `category/id: 2. step` if the
 *   scenario has several of that name
 */
export function replayCases(
  cases: string,
  { send, mails = [] }: Server,
  variant?: string,
  differences: string[] = [],
): void {
  const all = v.parse(Cases, JSON.parse(cases));
  const lists = variant === undefined ? all : all.variants[variant];
  if (!lists) throw new Error(`There is no variant ${variant}.`);
  const scenarios = [...lists.scenarios, ...lists.needs_db, ...lists.needs_mail];
  const steps = scenarios.flatMap(({ category, id, steps }) =>
    steps.flatMap((step, i) => namesOf(`${category}/${id}`, i, step)),
  );
  it('have each step that is listed as a difference', () => {
    expect(steps).toEqual(expect.arrayContaining(differences));
  });

  describe.each(scenarios)('$category/$id ($tier)', ({ category, id, steps, ...scenario }) => {
    const vars: Vars = { ...freshVars(), ...scenario.vars };
    for (const [i, step] of steps.entries()) {
      const differs = namesOf(`${category}/${id}`, i, step).some((name) =>
        differences.includes(name),
      );
      it(`${i + 1}. ${step.name}`, async () => {
        const problems = await run(step, vars, { send, mails }).catch((error) => [String(error)]);
        if (differs) expect(problems).not.toEqual([]);
        else expect(problems).toEqual([]);
      });
    }
  });
}

const namesOf = (scenario: string, i: number, { name }: { name: string }) => [
  `${scenario}: ${name}`,
  `${scenario}: ${i + 1}. ${name}`,
];

async function run(
  step: v.InferOutput<typeof Scenario>['steps'][number],
  vars: Vars,
  { send, mails }: Required<Server>,
): Promise<string[]> {
  if ('sql' in step) {
    await env.DB.exec(expand(step.sql, vars));
    return [];
  }
  return 'mail' in step ? readMail(step.mail, mails, vars) : exchange(step, send, vars);
}

function readMail(
  { to, capture, none }: v.InferOutput<typeof MailStep>['mail'],
  mails: Mail[],
  vars: Vars,
): string[] {
  const recipient: string = expand(to, vars);
  const mail = mails.findLast((sent) => sent.to === recipient);
  if (none) return mail ? [`unexpected message: ${mail.subject}`] : [];
  if (!mail) return ['no message'];
  const problems: string[] = [];
  for (const [name, pattern] of Object.entries(capture)) {
    const found = new RegExp(pattern).exec(mail.text)?.[1];
    if (found === undefined) problems.push(`no ${pattern} in: ${mail.text}`);
    else vars[name] = found;
  }
  return problems;
}

async function exchange(
  { request, expect: expected, capture }: v.InferOutput<typeof Exchange>,
  send: Server['send'],
  vars: Vars,
): Promise<string[]> {
  const response = await ask(request, vars, send);
  const { status } = response;
  const headers = Object.fromEntries(response.headers);
  const answer = { status, headers, text: await response.text() };
  const { problems, json } = compare(expected, answer, vars);
  for (const [name, key] of Object.entries(capture)) vars[name] = json?.[key];
  return problems;
}

function ask(request: v.InferOutput<typeof Request_>, vars: Vars, send: Server['send']) {
  const headers = new Headers();
  for (const [name, value] of Object.entries<string>(expand(request.headers, vars))) {
    // Recorded one character per byte; workerd reads the bytes of a header as UTF-8.
    headers.set(name, new TextDecoder().decode(latin1(value)));
  }
  if (request.basic) headers.set('Authorization', basicOf(expand(request.basic, vars)));
  if (request.body !== undefined && !headers.has('Content-Type')) {
    headers.set('Content-Type', 'application/json');
  }
  const body = toBody(request, vars);
  return send(expand(request.path, vars), { method: request.method, headers, body });
}

const basicOf = (words: string[]): string =>
  `Basic ${new TextEncoder().encode(words.join(':')).toBase64()}`;

function toBody({ body, bodyRaw, bodyLatin1 }: v.InferOutput<typeof Request_>, vars: Vars) {
  if (body !== undefined) return JSON.stringify(expand(body, vars));
  if (bodyRaw !== undefined) return new TextEncoder().encode(expand(bodyRaw, vars));
  if (bodyLatin1 !== undefined) return latin1(expand(bodyLatin1, vars));
  return null;
}

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
