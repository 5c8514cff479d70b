/** 1234567 → `1,234,567`. */
export const number = (value: number): string => value.toLocaleString('en-US');

/** 1 → `1 user`, 2 → `2 users`. */
export const count = (value: number, noun: string): string =>
  `${number(value)} ${noun}${value === 1 ? '' : 's'}`;
