/** Requests of public clients of the course, with the settings that each of them needs. */
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { settingsFor } from '../conformance/course-client-settings.ts';
import recorded from '../conformance/course-clients.json?raw';
import { send, unthrottled } from '../helpers/client.ts';
import { replayCases } from '../helpers/replay-cases.ts';

const Flow = v.looseObject({ id: v.string(), settings: v.object({ key: v.string() }) });

const { scenarios } = v.parse(v.object({ scenarios: v.array(Flow) }), JSON.parse(recorded));

it('has the clients of five projects', () => {
  expect(scenarios).toHaveLength(9);
});

describe.each(scenarios)('$id', (flow) => {
  const bindings = { ...unthrottled, ...settingsFor(flow.settings.key) };
  replayCases(JSON.stringify({ scenarios: [flow] }), {
    send: (path, init) => send(path, init, bindings),
  });
});
