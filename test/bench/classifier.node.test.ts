/** The classifiers of `npm run bench:equal-work` find a difference of times, and only that. */
import { expect, it } from 'vitest';
import { accuracies, type TimedName } from './classifier.ts';

const NAMES = 400;
const TIMINGS = 10;

/** Names of which known and unknown ones take times of their own. */
const timed = (time: { known: () => number; unknown: () => number }): TimedName[] =>
  Array.from({ length: NAMES }, (_, i) => {
    const isKnown = i % 2 === 0;
    const draw = isKnown ? time.known : time.unknown;
    return { isKnown, times: Array.from({ length: TIMINGS }, draw) };
  });

/** Between -1 and 1, most often near 0. */
const noise = () => Math.random() + Math.random() - Math.random() - Math.random();

it('is always right if the times are far apart', () => {
  for (const isKnownSlower of [true, false]) {
    const slow = () => 200 + noise();
    const fast = () => 100 + noise();
    const names = timed(
      isKnownSlower ? { known: slow, unknown: fast } : { known: fast, unknown: slow },
    );
    for (const { share } of accuracies(names)) expect(share).toBeGreaterThan(0.98);
  }
});

it('finds a small difference in the median of ten timings better than in one', () => {
  const names = timed({ known: () => 101 + 3 * noise(), unknown: () => 100 + 3 * noise() });
  const [one, , ten] = accuracies(names).map(({ share }) => share);
  expect(one).toBeGreaterThan(0.55);
  expect(ten).toBeGreaterThan(Number(one));
});

it('finds by likelihood what no threshold separates', () => {
  const known = () => (Math.random() < 0.5 ? 100 : 300) + noise();
  const [threshold, likelihood] = accuracies(timed({ known, unknown: () => 200 + noise() })).map(
    ({ share }) => share,
  );
  expect(threshold).toBeLessThan(0.8);
  expect(likelihood).toBeGreaterThan(0.95);
});

// Means of 200 splits of 400 equal names: their standard deviation is below 0.03.
it('is right half of the time if there is no difference', () => {
  const time = () => (Math.random() < 0.5 ? 100 : 300) + noise();
  for (const { share } of accuracies(timed({ known: time, unknown: time }))) {
    expect(Math.abs(share - 0.5)).toBeLessThan(0.12);
  }
});
