import { describe, expect, it } from 'vitest';
import { drawStandIn, places } from '../../src/auth/stand-in.ts';

/** The place of a draw among `count` places. */
const among = (count: number, draw: number[]) => draw.findLast((place) => place < count);

describe('places', () => {
  // Vectors shared by other implementations, such as github.com/dgryski/go-jump.
  it.each([
    { seed: 1n, count: 1, place: 0 },
    { seed: 42n, count: 57, place: 43 },
    { seed: 0xdead10ccn, count: 1, place: 0 },
    { seed: 0xdead10ccn, count: 666, place: 361 },
    { seed: 256n, count: 1024, place: 520 },
    { seed: 128n, count: 2 ** 31, place: 1_644_467_860 },
  ])('puts key $seed of $count places at $place', ({ seed, count, place }) => {
    expect(among(count, places(seed))).toBe(place);
  });

  it('starts with 0, ascends, and ends below 2^31', () => {
    for (let seed = 0n; seed < 100n; seed++) {
      const jumps = places(seed);
      expect(jumps[0]).toBe(0);
      expect(jumps).toEqual([...new Set(jumps)].sort((a, b) => a - b));
      expect(jumps.at(-1)).toBeLessThan(2 ** 31);
    }
  });
});

describe('drawStandIn', () => {
  const names = Array.from({ length: 2000 }, (_, i) => `name ${i}`);
  const firstDraws = (key: string) => names.map((name) => drawStandIn(name, key)[0] ?? []);

  it('makes eight different draws, and equal ones for the same name and key', () => {
    const draws = drawStandIn('ada', 'key');
    expect(draws).toHaveLength(8);
    expect(new Set(draws.map((draw) => JSON.stringify(draw))).size).toBe(8);
    expect(drawStandIn('ada', 'key')).toEqual(draws);
  });

  it('makes other draws for another name or another key', () => {
    const draws = drawStandIn('ada', 'key');
    expect(drawStandIn('adb', 'key')).not.toEqual(draws);
    expect(drawStandIn('ada', 'kez')).not.toEqual(draws);
  });

  it('uses one random key for each isolate if SECRET_KEY is not set', () => {
    const draws = drawStandIn('ada', undefined);
    expect(drawStandIn('ada', undefined)).toEqual(draws);
    expect(draws).not.toEqual(drawStandIn('ada', ''));
  });

  it('accepts names of any length and any characters', () => {
    for (const name of ['', 'x'.repeat(65_536), '\ud800', '🔑']) {
      expect(drawStandIn(name, 'key')).toHaveLength(8);
    }
  });

  // 2,000 names on 10 places: 200 each, with a standard deviation of 13.4.
  it('draws all places about equally often', () => {
    const drawn = firstDraws('key').map((draw) => among(10, draw));
    for (let place = 0; place < 10; place++) {
      const count = drawn.filter((each) => each === place).length;
      expect(Math.abs(count - 200)).toBeLessThan(3 * 13.4);
    }
  });

  // One in 101 of 2,000 names: 19.8, with a standard deviation of 4.4.
  it('moves only a few names if a user is added, all of them to that user', () => {
    const moved = firstDraws('key').filter((draw) => among(100, draw) !== among(101, draw));
    expect(moved.length).toBeGreaterThan(0);
    expect(moved.length).toBeLessThan(19.8 + 3 * 4.4);
    for (const draw of moved) expect(among(101, draw)).toBe(100);
  });
});
