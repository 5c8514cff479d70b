import { describe, expect, it } from 'vitest';
import { ServiceUnavailable } from '../../src/lib/service-unavailable.ts';
import { reading, writing } from '../../src/store/unavailable.ts';

const LOST = new Error('D1_ERROR: Network connection lost.');
const BUG = new Error('D1_ERROR: no such column: nope: SQLITE_ERROR');

describe('an error of D1', () => {
  it.each([
    'Network connection lost.',
    'D1 DB storage caused object to be reset.',
    'D1 DB reset because its code was updated.',
    'Cannot resolve D1 DB due to transient issue on remote node.',
    'Internal error while starting up D1 DB storage caused object to be reset.',
    'Internal error while starting up D1 DB storage.',
    'D1 DB is overloaded. Requests queued for too long.',
    'D1 DB is overloaded. Too many requests queued.',
    "Can't read from request stream because client disconnected.",
    'D1 DB storage operation exceeded timeout which caused object to be reset.',
    'D1 DB storage operation exceeded timeout.',
  ])('%j will pass', async (words) => {
    const cause = new Error(`D1_ERROR: ${words}`);
    const wrapped = new Error('Failed query', { cause });
    for (const error of [cause, wrapped]) {
      const thrown = await reading(() => Promise.reject(error)).catch((reason: unknown) => reason);
      expect(thrown).toBeInstanceOf(ServiceUnavailable);
      expect(thrown).toMatchObject({ service: 'database', cause: error });
    }
  });

  it.each([BUG, 'Network connection lost.', undefined])('%s will not', async (error) => {
    expect(await reading(() => Promise.reject(error)).catch((reason: unknown) => reason)).toBe(
      error,
    );
  });
});

describe('a write', () => {
  /** Fails at its first runs, and tells what each was told. */
  const failing = (...errors: Error[]) => {
    const told: boolean[] = [];
    const query = async (isRetry: boolean) => {
      const error = errors[told.length];
      told.push(isRetry);
      if (error) throw error;
      return 'done';
    };
    return { query, told };
  };

  it('runs once where it succeeds, and once more where D1 failed', async () => {
    const [good, lost] = [failing(), failing(LOST)];
    expect(await writing(good.query)).toBe('done');
    expect(good.told).toEqual([false]);
    expect(await writing(lost.query)).toBe('done');
    expect(lost.told).toEqual([false, true]);
  });

  it('runs twice at the most', async () => {
    const { query, told } = failing(LOST, LOST);
    await expect(writing(query)).rejects.toBeInstanceOf(ServiceUnavailable);
    expect(told).toEqual([false, true]);
  });

  it('does not run again after a fault of ours', async () => {
    const { query, told } = failing(BUG);
    await expect(writing(query)).rejects.toBe(BUG);
    expect(told).toEqual([false]);
  });
});
