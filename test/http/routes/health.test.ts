import { describe, expect, it, vi } from 'vitest';
import { answer, send } from '../../helpers/client.ts';
import { failingD1, watchD1 } from '../../helpers/intercept-d1.ts';

describe('GET /health', () => {
  it('responds ok after one query that reads no row', async () => {
    const { bindings, roundTrips } = watchD1();
    const response = await send('/health', {}, bindings);
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    expect(await answer(response)).toEqual({ status: 200, body: { status: 'ok' } });
    expect(roundTrips.map(({ sql }) => sql)).toEqual([
      ['SELECT 1 FROM auth_user, authtoken_token, knox_authtoken WHERE false'],
    ]);
  });

  it.each(['D1_ERROR: Network connection lost.', 'D1_ERROR: anything else'])(
    'responds 503 without details if D1 fails: %s',
    async (message) => {
      const log = vi.spyOn(console, 'error').mockImplementation(() => {});
      const response = await send('/health', {}, failingD1(new Error(message)));
      expect(response.headers.get('Retry-After')).toBe('1');
      expect(response.headers.get('Cache-Control')).toBe('no-store');
      expect(await answer(response)).toEqual({ status: 503, body: { status: 'unavailable' } });
      expect(log.mock.calls.flat().join()).toContain(message);
    },
  );
});
