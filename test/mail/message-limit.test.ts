import { describe, expect, it, vi } from 'vitest';
import { err, ok } from '../../src/lib/result.ts';
import { type CountMessage, sendWithinLimit } from '../../src/mail/message-limit.ts';

const MESSAGE = { from: 'us@example.com', to: 'meg@example.com', subject: '', text: '', html: '' };

const uncount = vi.fn(async () => {});
const counted: CountMessage = async () => ok(uncount);

describe('a message', () => {
  it('is sent if the limit of its recipient is not reached', async () => {
    const send = vi.fn(async () => {});
    expect(await sendWithinLimit(send, counted)('activation', MESSAGE)).toBe('sent');
    expect(send).toHaveBeenCalledWith(MESSAGE);
    expect(uncount).not.toHaveBeenCalled();
  });

  it('is not sent if the limit of its recipient is reached', async () => {
    const send = vi.fn(async () => {});
    const refused: CountMessage = async () => err({ kind: 'throttled' });
    expect(await sendWithinLimit(send, refused)('activation', MESSAGE)).toBe('throttled');
    expect(send).not.toHaveBeenCalled();
  });

  it('is not counted if it cannot be sent', async () => {
    const fault = new Error('the mail service is down');
    const send = () => Promise.reject(fault);
    await expect(sendWithinLimit(send, counted)('activation', MESSAGE)).rejects.toBe(fault);
    expect(uncount).toHaveBeenCalledTimes(1);
  });

  it('is not sent if it cannot be counted', async () => {
    const send = vi.fn(async () => {});
    const fault = new Error('the object did not respond');
    const broken: CountMessage = () => Promise.reject(fault);
    await expect(sendWithinLimit(send, broken)('activation', MESSAGE)).rejects.toBe(fault);
    expect(send).not.toHaveBeenCalled();
  });
});
