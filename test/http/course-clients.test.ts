/** Requests of public clients of the course and of other packages, with the settings that each needs. */
import { describe, expect, it } from 'vitest';
import { readFlows, settingsFor } from '../conformance/course-client-settings.ts';
import recorded from '../conformance/course-clients.json?raw';
import { send, unthrottled } from '../helpers/client.ts';
import { replayCases } from '../helpers/replay-cases.ts';

const { course, peers } = readFlows(recorded);

it('has the clients of five projects and of three packages', () => {
  expect(course).toHaveLength(9);
  expect(peers.map(({ id }) => id)).toEqual(['djoser-a', 'dj-rest-auth-a', 'knox-a']);
});

describe.each([...course, ...peers])('$id', (flow) => {
  const bindings = { ...unthrottled, ...settingsFor(flow) };
  replayCases(JSON.stringify({ scenarios: [flow] }), {
    send: (path, init) => send(path, init, bindings),
  });
});
