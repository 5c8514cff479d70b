/** Replays responses recorded from djoser 2.3. docs/differences.md has the reason of each difference. */
import { beforeEach, describe, vi } from 'vitest';
import { VARIANTS } from '../../conformance/djoser.ts';
import cases from '../../conformance/djoser-cases.json?raw';
import { send } from '../../helpers/client.ts';
import { withMailbox } from '../../helpers/mailbox.ts';
import { replayCases } from '../../helpers/replay-cases.ts';

describe.each(VARIANTS)('the cases of $name', ({ variant, vars, differences }) => {
  const { bindings, mails } = withMailbox(vars);
  beforeEach(() => {
    // Sends without the random delay.
    vi.spyOn(Math, 'random').mockReturnValue(0);
  });
  const server = { send: (path: string, init: RequestInit) => send(path, init, bindings), mails };
  replayCases(cases, server, variant, differences);
});
