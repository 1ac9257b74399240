// Configuration, cache, faults, logs and exemplars, each by itself.
import assert from 'node:assert/strict';
import test from 'node:test';
import { context, trace, TraceFlags } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { Cache } from '../src/cache';
import { ConfigError, parse } from '../src/config';
import { FaultError, Faults } from '../src/faults';
import { makeLogger } from '../src/log';
import { cacheRequests, exemplar, faultActive, methodLabel } from '../src/metrics';
import { configuration } from './fixture';

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

const SPAN = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: TraceFlags.SAMPLED };

test('a wrong configuration names file, key and what would be right', () => {
  const good = configuration();
  assert.deepEqual(parse(JSON.stringify(good), 'c.json'), good);
  const wrong = (change: object, words: RegExp): void => {
    assert.throws(() => parse(JSON.stringify({ ...good, ...change }), 'c.json'), (error: unknown) => (
      error instanceof ConfigError && error.message.startsWith('c.json: ') && words.test(error.message)));
  };
  wrong({ trace_ratio: 2 }, /from 0 to 1/);
  wrong({ cache_seconds: '60' }, /cache_seconds .* number/);
  wrong({ log_level: 'loud' }, /debug, info, warn, error/);
  wrong({ colour: 1 }, /unknown key colour/);
  wrong({ ports: { web: 8443, grpc: 0, admin: 1 } }, /1 to 65535/);
});

test('the cache forgets by time and by size, and counts', async () => {
  let now = 0;
  const count = async (result: string): Promise<number> => (
    (await cacheRequests.get()).values.find((row) => row.labels.result === result)?.value ?? 0);
  const [hits, misses] = [await count('hit'), await count('miss')];
  const cache = new Cache<number>(1000, 2, () => now);
  cache.set('a', 1);
  assert.equal(cache.get('a'), 1);
  now = 1001;
  assert.equal(cache.get('a'), undefined);
  cache.set('b', 2);
  cache.set('c', 3);
  cache.set('d', 4);
  assert.equal(cache.get('b'), undefined);
  assert.equal(cache.get('d'), 4);
  assert.deepEqual([await count('hit') - hits, await count('miss') - misses], [2, 2]);
});

test('a fault is bounded, applies to its route, and ends by itself', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const faults = new Faults(() => 0.4);
  faults.start({ fault: 'slow', seconds: 10, milliseconds: 300, route: '/products' });
  faults.start({ fault: 'errors', seconds: 20, ratio: 0.5 });
  assert.equal(faults.delay('/products'), 300);
  assert.equal(faults.delay('/orders'), 0);
  assert.equal(faults.fails('/orders'), true);
  t.mock.timers.tick(10_001);
  assert.equal(faults.delay('/products'), 0);
  assert.deepEqual(faults.list().map((row) => row.fault), ['errors']);
  t.mock.timers.tick(10_000);
  assert.equal(faults.fails('/orders'), false);
  assert.deepEqual(faults.list(), []);
});

test('what would be too much of a fault is refused', () => {
  const faults = new Faults();
  for (const wanted of [
    { fault: 'slow', seconds: 901, milliseconds: 1 }, { fault: 'slow', seconds: 1, milliseconds: 5001 },
    { fault: 'slow', seconds: 1 }, { fault: 'errors', seconds: 1, ratio: 1.1 }, { fault: 'leak', seconds: 1, megabytes: 257 },
    { fault: 'fire', seconds: 1 }, { fault: 'errors', seconds: 0, ratio: 1 }, null, 'slow']) {
    assert.throws(() => faults.start(wanted), FaultError);
  }
  assert.deepEqual(faults.list(), []);
});

test('a leak grows to its bound and is given back', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const faults = new Faults();
  const held = (): number => (faults as unknown as { hoard: unknown[] }).hoard.length;
  faults.start({ fault: 'leak', seconds: 10, megabytes: 5 });
  for (let step = 0; step < 9; step += 1) t.mock.timers.tick(1000);
  assert.equal(held(), 5);
  assert.equal((await faultActive.get()).values.find((row) => row.labels.fault === 'leak')?.value, 1);
  t.mock.timers.tick(1001);
  assert.equal(held(), 0);
  assert.equal((await faultActive.get()).values.find((row) => row.labels.fault === 'leak')?.value, 0);
});

test('a log line is JSON with level, time and the ids of its trace; systemd gets the priority before it', () => {
  const lines: string[] = [];
  const logger = makeLogger('info', true, (line) => { lines.push(line); });
  context.with(trace.setSpanContext(context.active(), SPAN), () => logger.error({ route: '/products', status: 500 }, 'request'));
  logger.info('plain');
  logger.debug('not logged');
  assert.deepEqual(lines.map((line) => line.slice(0, 3)), ['<3>', '<6>']);
  const [first, second] = lines.map((line) => JSON.parse(line.slice(3)) as Record<string, unknown>);
  assert.equal(first?.['trace_id'], SPAN.traceId);
  assert.equal(first?.['span_id'], SPAN.spanId);
  assert.equal(first?.['level'], 'error');
  assert.equal(first?.['status'], 500);
  assert.match(String(first?.['time']), /^\d{4}-\d\d-\d\dT.*Z$/);
  assert.equal(second?.['trace_id'], undefined);
});

test('only a trace that is kept becomes an exemplar', () => {
  assert.deepEqual(exemplar(SPAN), { trace_id: SPAN.traceId, span_id: SPAN.spanId });
  assert.equal(exemplar({ ...SPAN, traceFlags: TraceFlags.NONE }), undefined);
  assert.equal(exemplar(undefined), undefined);
});

test('a made-up method is one label value', () => {
  assert.equal(methodLabel('GET'), 'GET');
  assert.equal(methodLabel('BREW'), '_OTHER');
});
