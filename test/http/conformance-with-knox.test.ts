/**
 * Replays the recorded cases of DRF, djoser and dj-rest-auth with the tokens of knox. Each token in a
 * response must be one of knox, also if DRF returned the token of an earlier login. All other expectations stay.
 */
import { beforeEach, describe } from 'vitest';
import { VARIANTS as DJ_REST_AUTH } from '../conformance/dj-rest-auth.ts';
import djRestAuthCases from '../conformance/dj-rest-auth-cases.json?raw';
import { VARIANTS as DJOSER } from '../conformance/djoser.ts';
import djoserCases from '../conformance/djoser-cases.json?raw';
import drfCases from '../conformance/http-cases.json?raw';
import { withKnoxTokens } from '../conformance/knox.ts';
import { send } from '../helpers/client.ts';
import { sendWithoutDelay, withMailbox } from '../helpers/mailbox.ts';
import { replayCases } from '../helpers/replay-cases.ts';

const KNOX = { TOKEN_MODEL: 'knox.AuthToken' };

/** This step deletes the row in DRF's table. The token is not there. */
const OF_DRF_TABLE = ['token-rows/no-token-yet: the old token is gone'];

/** These differ with DRF's model, because the token is a new one. With knox's it is always new. */
const ALWAYS_NEW = [
  'reset-password/whole-way: the new one',
  'activation/email-change-switches-off: 12. log in',
];

const RUNS = [
  { name: 'DRF', cases: drfCases, variant: undefined, vars: {}, differences: OF_DRF_TABLE },
  ...DJOSER.map((variant) => ({ ...variant, cases: djoserCases })),
  ...DJ_REST_AUTH.map((variant) => ({ ...variant, cases: djRestAuthCases })),
];

describe.each(RUNS)('the cases of $name', ({ cases, variant, vars, differences }) => {
  const { bindings, mails } = withMailbox({ ...vars, ...KNOX });
  beforeEach(() => {
    sendWithoutDelay();
  });
  const server = { send: (path: string, init: RequestInit) => send(path, init, bindings), mails };
  const different = differences.filter((step) => !ALWAYS_NEW.includes(step));
  replayCases(withKnoxTokens(cases, KNOX), server, variant, different);
});
