/**
 * Replays responses recorded from django-rest-knox 5. docs/differences.md has the reason of each difference.
 */
import { describe } from 'vitest';
import { VARIANTS, withKnoxTokens } from '../../conformance/knox.ts';
import cases from '../../conformance/knox-cases.json?raw';
import { send, unthrottled } from '../../helpers/client.ts';
import { replayCases } from '../../helpers/replay-cases.ts';

describe.each(VARIANTS)('the cases of $name', ({ variant, vars, differences }) => {
  const bindings = { ...unthrottled, ...vars };
  const server = { send: (path: string, init: RequestInit) => send(path, init, bindings) };
  replayCases(withKnoxTokens(cases, vars), server, variant, differences);
});
