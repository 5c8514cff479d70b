/** Requests of public clients of the course and of other packages, with the settings that each needs. */
import { describe, expect, it } from 'vitest';
import {
  type Flow,
  readFlows,
  settingsFor,
  UNSERVED,
} from '../conformance/course-client-settings.ts';
import recorded from '../conformance/course-clients.json?raw';
import { send, unthrottled } from '../helpers/client.ts';
import { replayCases } from '../helpers/replay-cases.ts';

const { course, peers } = readFlows(recorded);

it('has the clients of five projects and of three packages', () => {
  expect(course).toHaveLength(9);
  expect(peers.map(({ id }) => id)).toEqual(['djoser-a', 'dj-rest-auth-a', 'knox-a']);
});

const replay = (flow: Flow, vars: Record<string, string>, differences: string[] = []) =>
  replayCases(
    JSON.stringify({ scenarios: [flow] }),
    { send: (path, init) => send(path, init, { ...unthrottled, ...vars }) },
    undefined,
    differences,
  );

describe.each([...course, ...peers].filter(({ id }) => !(id in UNSERVED)))('$id', (flow) => {
  replay(flow, settingsFor(flow));
});

describe.each(peers.filter(({ id }) => id in UNSERVED))('$id cannot work', (flow) => {
  const every = flow.steps.map(({ name }, i) => `${flow.category}/${flow.id}: ${i + 1}. ${name}`);
  replay(flow, {}, every);
});
