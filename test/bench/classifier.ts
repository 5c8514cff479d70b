/**
 * Guesses from its times whether a name is known: classifiers learn from one half of the names and
 * guess the other half, for many random halves. The share of right guesses is what times reveal.
 */
import { median, sum } from './statistics.ts';

/** All times of one name, in milliseconds. */
export type TimedName = { isKnown: boolean; times: number[] };

/** From a time to whether the name is known; undefined if both are equally likely. */
type Guess = (ms: number) => boolean | undefined;

type Sample = { isKnown: boolean; ms: number };

/** How many random halves. */
const SPLITS = 200;

/** Times are put into bins of equal size, of four times or more. */
const MAX_BINS = 40;
const MIN_BIN = 4;

/** Learns the time that separates known from unknown names best. */
function byThreshold(samples: Sample[]): Guess {
  const sorted = samples.toSorted((a, b) => a.ms - b.ms);
  let [balance, best, threshold] = [0, 0, Number.POSITIVE_INFINITY];
  for (const { isKnown, ms } of sorted) {
    balance += isKnown ? 1 : -1;
    if (Math.abs(balance) > Math.abs(best)) [best, threshold] = [balance, ms];
  }
  return (ms) => ms <= threshold === best > 0;
}

/** Learns in which bins there are more known names, and in which more unknown ones. */
function byLikelihood(samples: Sample[]): Guess {
  const sorted = samples.toSorted((a, b) => a.ms - b.ms);
  const size = Math.max(MIN_BIN, Math.ceil(sorted.length / MAX_BINS));
  const bins = Array.from({ length: Math.ceil(sorted.length / size) }, (_, i) => {
    const bin = sorted.slice(i * size, (i + 1) * size);
    const known = bin.filter(({ isKnown }) => isKnown).length;
    return { upTo: bin.at(-1)?.ms ?? 0, balance: 2 * known - bin.length };
  });
  return (ms) => {
    const { balance } = bins.find(({ upTo }) => ms <= upTo) ?? bins.at(-1) ?? { balance: 0 };
    return balance === 0 ? undefined : balance > 0;
  };
}

/** The share of right guesses, known and unknown names being equally likely. */
function accuracy(guess: Guess, samples: Sample[]): number {
  const shares = [true, false].map((isKnown) => {
    const ofKind = samples.filter((sample) => sample.isKnown === isKnown);
    const right = ofKind.map(({ ms }) => {
      const guessed = guess(ms);
      return guessed === undefined ? 0.5 : Number(guessed === isKnown);
    });
    return mean(right);
  });
  return mean(shares);
}

const mean = (values: number[]) => sum(values) / values.length;

const single = ({ isKnown, times }: TimedName): Sample[] => times.map((ms) => ({ isKnown, ms }));
const medians = ({ isKnown, times }: TimedName): Sample[] => [{ isKnown, ms: median(times) }];

/** Two halves, each with as many known as unknown names. */
function halves(names: TimedName[]): [TimedName[], TimedName[]] {
  const known = shuffled(names.filter(({ isKnown }) => isKnown));
  const unknown = shuffled(names.filter(({ isKnown }) => !isKnown));
  const size = Math.floor(Math.min(known.length, unknown.length) / 2);
  return [
    [...known.slice(0, size), ...unknown.slice(0, size)],
    [...known.slice(size, 2 * size), ...unknown.slice(size, 2 * size)],
  ];
}

export const shuffled = <T>(values: T[]): T[] =>
  values
    .map((value) => ({ value, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ value }) => value);

export type Accuracy = { by: string; from: string; share: number };

/** @returns for each classifier the share of right guesses, 0 to 1; 0.5 is what a coin gets */
export function accuracies(names: TimedName[]): Accuracy[] {
  const splits = Array.from({ length: SPLITS }, () => halves(names));
  return [
    { from: 'one timing', samples: single },
    { from: 'the median of all timings', samples: medians },
  ].flatMap(({ from, samples }) =>
    [
      { by: 'threshold', learn: byThreshold },
      { by: 'likelihood', learn: byLikelihood },
    ].map(({ by, learn }) => ({
      by,
      from,
      share: mean(
        splits.map(([learnt, tested]) =>
          accuracy(learn(learnt.flatMap(samples)), tested.flatMap(samples)),
        ),
      ),
    })),
  );
}
