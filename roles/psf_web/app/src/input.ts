// What clients send, checked by hand: each function returns the value or throws a 400 that names the key.
import { BadRequestException } from '@nestjs/common';
import { type Payment, PAYMENTS } from './metrics';

export const TIMES = ['LCP', 'INP', 'FCP', 'TTFB'] as const;
export const SHIFT = 'CLS';
/** Longer than any page that somebody waits for, in seconds; and a shift beyond which only a broken client reports. */
export const MOST_SECONDS = 120;
export const MOST_SHIFT = 10;
export const OTHER = 'other';

export interface Order {
  product: string;
  quantity: number;
  payment: Payment;
}

export interface Vital {
  name: (typeof TIMES)[number] | typeof SHIFT;
  /** Seconds, or the score of CLS. */
  value: number;
  route: string;
}

const record = (body: unknown): Record<string, unknown> => {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new BadRequestException('the body must be a JSON object');
  return body as Record<string, unknown>;
};

export function productId(id: unknown): string {
  if (typeof id !== 'string' || !/^p-\d{1,6}$/.test(id)) throw new BadRequestException('a product id looks like p-17');
  return id;
}

export function limit(text: unknown): number {
  const value = text === undefined ? 20 : Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 100) throw new BadRequestException('limit must be from 1 to 100');
  return value;
}

export function order(body: unknown): Order {
  const data = record(body);
  const { quantity, payment } = data;
  if (!Number.isInteger(quantity) || (quantity as number) < 1 || (quantity as number) > 99) {
    throw new BadRequestException('quantity must be from 1 to 99');
  }
  if (!(PAYMENTS as readonly unknown[]).includes(payment)) {
    throw new BadRequestException(`payment must be one of ${PAYMENTS.join(', ')}`);
  }
  return { product: productId(data['product']), quantity: quantity as number, payment: payment as Payment };
}

/** A beacon of the web-vitals library, whose times are in milliseconds. A page that is not known counts as "other". */
export function vital(body: unknown, pages: readonly string[]): Vital {
  const { name, value, route } = record(body);
  const isTime = (TIMES as readonly unknown[]).includes(name);
  if (!isTime && name !== SHIFT) throw new BadRequestException(`name must be one of ${[...TIMES, SHIFT].join(', ')}`);
  const size = typeof value === 'number' && isTime ? value / 1000 : value;
  if (typeof size !== 'number' || !(size >= 0) || size > (isTime ? MOST_SECONDS : MOST_SHIFT)) {
    throw new BadRequestException(isTime ? `value must be milliseconds, at most ${MOST_SECONDS * 1000}` : `value must be a score, at most ${MOST_SHIFT}`);
  }
  return { name: name as Vital['name'], value: size, route: typeof route === 'string' && pages.includes(route) ? route : OTHER };
}
