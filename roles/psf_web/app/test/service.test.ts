// The service as clients meet it: two regions in one process, over real sockets on loopback.
import '../src/instrument';
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { createServer } from 'node:net';
import test, { after, before } from 'node:test';
import type { INestApplication } from '@nestjs/common';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { startAdmin } from '../src/admin';
import { startApp } from '../src/app';
import { Faults } from '../src/faults';
import { log } from '../src/log';
import { registry, startMetrics } from '../src/metrics';
import { configuration } from './fixture';

const spans = new InMemorySpanExporter();
const faults = new Faults(() => 0);
let eu: INestApplication;
let us: INestApplication;
let admin: ReturnType<typeof startAdmin>;
let base = '';
let switches = '';

const freePort = (): Promise<number> => new Promise((resolve, reject) => {
  const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
    const { port } = server.address() as { port: number };
    server.close(() => resolve(port));
  });
});
const post = (path: string, body: unknown): Promise<Response> => (
  fetch(base + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }));
const metric = async (line: RegExp): Promise<number> => {
  const found = (await registry.metrics()).split('\n').find((text) => line.test(text));
  return Number(found?.replace(/ #.*/, '').split(' ').pop() ?? Number.NaN);
};

before(async () => {
  log.level = 'fatal';
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).register();
  startMetrics('0.0.0');
  const ports = await Promise.all(Array.from({ length: 5 }, freePort)) as [number, number, number, number, number];
  us = await startApp(configuration({ region: 'us', ports: { web: ports[0], grpc: ports[1], admin: 1 } }), new Faults());
  const config = configuration({
    ports: { web: ports[2], grpc: ports[3], admin: ports[4] }, peers: [{ region: 'us', target: `127.0.0.1:${ports[1]}` }] });
  eu = await startApp(config, faults);
  admin = startAdmin(config, faults);
  base = `http://127.0.0.1:${ports[2]}`;
  switches = `http://127.0.0.1:${ports[4]}/faults`;
});

after(async () => {
  admin.close();
  await Promise.allSettled([eu.close(), us.close()]);
});

test('a product comes from the other region, in one trace, and then from the cache', async () => {
  spans.reset();
  const first = await (await fetch(`${base}/products/p-3`)).json() as { region: string };
  assert.equal(first.region, 'us');
  await fetch(`${base}/products/p-3`);
  const found = spans.getFinishedSpans();
  const http = found.find((span) => span.name === 'GET /products/:id');
  const client = found.find((span) => span.name === 'grpc.catalog.Catalog/GetProduct' && span.kind === 2);
  const server = found.find((span) => span.name === 'grpc.catalog.Catalog/GetProduct' && span.kind === 1);
  assert.ok(http && client && server, found.map((span) => `${span.name} ${span.kind}`).join(', '));
  assert.equal(http.attributes['http.route'], '/products/:id');
  assert.equal(client.spanContext().traceId, http.spanContext().traceId);
  assert.equal(server.parentSpanContext?.spanId, client.spanContext().spanId);
  assert.equal(found.filter((span) => span.name.startsWith('grpc.') && span.kind === 2).length, 1);
});

test('metrics have the route, not the path, and the trace as an exemplar', async () => {
  const page = await fetch(`${base}/metrics`);
  assert.match(page.headers.get('content-type') ?? '', /openmetrics-text/);
  const text = await page.text();
  assert.match(text, /http_server_request_duration_seconds_bucket\{.*http_route="\/products\/:id".*\} \d+ # \{trace_id="[0-9a-f]{32}"/);
  assert.match(text, /rpc_server_duration_seconds_count\{rpc_service="catalog.Catalog",rpc_method="GetProduct",rpc_grpc_status_code="0"\} 1/);
  assert.match(text, /rpc_client_duration_seconds_bucket\{.*peer_region="us".*# \{trace_id=/);
  assert.ok(!text.includes('p-3'));
  assert.ok(!text.includes('http_route="/metrics"') && !(await registry.metrics()).includes('/metrics'));
  assert.ok(text.endsWith('# EOF\n'));
});

test('what does not exist is 404 and makes no series of its own', async () => {
  assert.equal((await fetch(`${base}/products/p-999`)).status, 404);
  for (const path of ['/a', '/b', '/metrics-of-mine']) assert.equal((await fetch(base + path)).status, 404);
  assert.equal(await metric(/_request_duration_seconds_count\{.*http_route="unmatched".*"404"\}/), 3);
});

test('orders, accounts and web vitals are counted', async () => {
  assert.equal((await post('/orders', { product: 'p-3', quantity: 2, payment: 'wallet' })).status, 201);
  assert.equal((await post('/orders', { product: 'p-3', quantity: 2, payment: 'shells' })).status, 400);
  assert.equal((await post('/signups', {})).status, 201);
  assert.equal((await fetch(`${base}/vitals`, {
    method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{"name":"LCP","value":1800,"route":"/cart"}' })).status, 204);
  assert.equal((await post('/vitals', { name: 'CLS', value: 0.2, route: '/made/up' })).status, 204);
  assert.equal(await metric(/^psf_web_orders_total\{payment="wallet"\}/), 1);
  assert.equal(await metric(/^psf_web_signups_total /), 1);
  assert.equal(await metric(/^web_vitals_seconds_bucket\{le="1.8",name="LCP",route="\/cart"\}/), 1);
  assert.equal(await metric(/^web_vitals_cls_score_count\{route="other"\}/), 1);
});

test('a body that comes late is still of the same trace', async () => {
  spans.reset();
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const asked = request(`${base}/orders`, { method: 'POST', headers: { 'content-type': 'application/json' } }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode));
    }).once('error', reject);
    asked.write('{"product":"p-11",');
    setTimeout(() => asked.end('"quantity":1,"payment":"card"}'), 100);
  });
  assert.equal(status, 201);
  const found = spans.getFinishedSpans();
  const http = found.find((span) => span.name === 'POST /orders');
  assert.ok(http, found.map((span) => span.name).join(', '));
  assert.ok(found.every((span) => span.spanContext().traceId === http.spanContext().traceId) && found.length === 3);
});

test('a fault is switched on and off, and never touches health', async () => {
  const on = await fetch(switches, { method: 'POST', body: JSON.stringify({ fault: 'errors', seconds: 60, ratio: 1 }) });
  assert.equal(on.status, 200);
  assert.equal((await fetch(`${base}/products`)).status, 500);
  assert.equal((await fetch(`${base}/health/ready`)).status, 200);
  assert.equal((await fetch(switches, { method: 'POST', body: '{"fault":"errors","seconds":1e9,"ratio":1}' })).status, 400);
  assert.equal((await fetch(switches, { method: 'POST', body: '{' })).status, 400);
  await fetch(switches, { method: 'DELETE' });
  assert.equal((await fetch(`${base}/products`)).status, 200);
});

// Last: it stops the other region.
test('without the other region the own one answers, with a span and a count', async () => {
  await us.close();
  spans.reset();
  const product = await (await fetch(`${base}/products/p-9`)).json() as { region: string };
  assert.equal(product.region, 'eu');
  assert.ok(spans.getFinishedSpans().some((span) => span.name === 'catalog.fallback'));
  assert.equal(await metric(/^psf_web_peer_fallbacks_total\{reason="unavailable"\}/), 1);
});
