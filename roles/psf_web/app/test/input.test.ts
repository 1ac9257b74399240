// What clients send: accepted or refused, and label values stay bounded whatever comes.
import assert from 'node:assert/strict';
import test from 'node:test';
import { BadRequestException } from '@nestjs/common';
import { limit, order, productId, vital } from '../src/input';

const refused = (call: () => unknown, words: RegExp): void => {
  assert.throws(call, (error: unknown) => error instanceof BadRequestException && words.test(error.message));
};

test('an order is product, quantity and a known payment', () => {
  assert.deepEqual(order({ product: 'p-7', quantity: 2, payment: 'card' }), { product: 'p-7', quantity: 2, payment: 'card' });
  refused(() => order({ product: 'p-7', quantity: 0, payment: 'card' }), /quantity/);
  refused(() => order({ product: 'p-7', quantity: 1.5, payment: 'card' }), /quantity/);
  refused(() => order({ product: 'p-7', quantity: 1, payment: 'shells' }), /card, invoice, wallet/);
  refused(() => order({ product: '../etc', quantity: 1, payment: 'card' }), /p-17/);
  refused(() => order([]), /JSON object/);
  refused(() => order(undefined), /JSON object/);
});

test('a product id and a limit have bounds', () => {
  assert.equal(productId('p-200'), 'p-200');
  refused(() => productId('p-12345678'), /p-17/);
  assert.equal(limit(undefined), 20);
  refused(() => limit('101'), /100/);
  refused(() => limit('x'), /100/);
});

test('times of web vitals come in milliseconds and leave in seconds, shifts stay scores', () => {
  assert.deepEqual(vital({ name: 'LCP', value: 2500, route: '/cart' }, ['/cart']), { name: 'LCP', value: 2.5, route: '/cart' });
  assert.deepEqual(vital({ name: 'CLS', value: 0.12, route: '/cart' }, ['/cart']), { name: 'CLS', value: 0.12, route: '/cart' });
});

test('a page that is not known is "other", so clients cannot make series', () => {
  assert.equal(vital({ name: 'INP', value: 90, route: '/secret/123' }, ['/']).route, 'other');
  assert.equal(vital({ name: 'INP', value: 90 }, ['/']).route, 'other');
  refused(() => vital({ name: 'FID', value: 90, route: '/' }, ['/']), /LCP, INP, FCP, TTFB, CLS/);
  refused(() => vital({ name: 'LCP', value: -1, route: '/' }, ['/']), /value/);
  refused(() => vital({ name: 'LCP', value: 1e9, route: '/' }, ['/']), /value/);
  refused(() => vital({ name: 'CLS', value: '0.1', route: '/' }, ['/']), /value/);
});
