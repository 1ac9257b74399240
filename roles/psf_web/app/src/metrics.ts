// Every metric of the service, with its labels and the values that each label may have: cardinality is bounded here.
// Names follow the OpenTelemetry semantic conventions as Prometheus writes them; what is the shop's own begins with psf_web_.
import { context, isSpanContextValid, type SpanContext, trace, TraceFlags } from '@opentelemetry/api';
import { collectDefaultMetrics, Counter, Gauge, Histogram, type OpenMetricsContentType, Registry } from 'prom-client';

// Exemplars exist in OpenMetrics only.
export const registry = new Registry<OpenMetricsContentType>();
registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);

// The promised 0.2 s is a bucket's edge, so a share of requests below it is exact.
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10];
const registers = [registry];

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
export const PAYMENTS = ['card', 'invoice', 'wallet'] as const;
export const FAULTS = ['slow', 'errors', 'leak'] as const;
export const FALLBACKS = ['unavailable', 'deadline', 'error', 'none'] as const;
/** Route of a request that no handler took; semantic conventions leave it out, a label must say something. */
export const UNMATCHED = 'unmatched';
export type Payment = (typeof PAYMENTS)[number];
export type Fault = (typeof FAULTS)[number];
export type Fallback = (typeof FALLBACKS)[number];

export const httpDuration = new Histogram({
  name: 'http_server_request_duration_seconds',
  help: 'Time from the first byte of an HTTP request to the last of its answer.',
  labelNames: ['http_request_method', 'http_route', 'http_response_status_code'] as const,
  buckets: SECONDS, enableExemplars: true, registers });
export const httpActive = new Gauge({
  name: 'http_server_active_requests', help: 'HTTP requests that are being answered.',
  labelNames: ['http_request_method'] as const, registers });
export const rpcServerDuration = new Histogram({
  name: 'rpc_server_duration_seconds', help: 'Time to answer a gRPC call.',
  labelNames: ['rpc_service', 'rpc_method', 'rpc_grpc_status_code'] as const,
  buckets: SECONDS, enableExemplars: true, registers });
export const rpcServerActive = new Gauge({
  name: 'rpc_server_active_requests', help: 'gRPC calls that are being answered.',
  labelNames: ['rpc_service', 'rpc_method'] as const, registers });
export const rpcClientDuration = new Histogram({
  name: 'rpc_client_duration_seconds', help: 'Time that a gRPC call to another service took.',
  labelNames: ['rpc_service', 'rpc_method', 'rpc_grpc_status_code', 'peer_region'] as const,
  buckets: SECONDS, enableExemplars: true, registers });
export const rpcClientActive = new Gauge({
  name: 'rpc_client_active_requests', help: 'gRPC calls to another service that have no answer yet.',
  labelNames: ['rpc_service', 'rpc_method'] as const, registers });

export const cacheRequests = new Counter({
  name: 'psf_web_cache_requests_total', help: 'Looks into the cache of products.', labelNames: ['result'] as const, registers });
export const cacheEntries = new Gauge({ name: 'psf_web_cache_entries', help: 'Products in the cache.', registers });
export const cacheEvictions = new Counter({
  name: 'psf_web_cache_evictions_total', help: 'Products that left the cache because it was full.', registers });
export const fallbacks = new Counter({
  name: 'psf_web_peer_fallbacks_total', help: 'Products read from the own region because no other region answered.',
  labelNames: ['reason'] as const, registers });
export const orders = new Counter({
  name: 'psf_web_orders_total', help: 'Orders that were accepted.', labelNames: ['payment'] as const, registers });
export const revenue = new Counter({
  name: 'psf_web_order_value_cents_total', help: 'Value of the orders that were accepted, in cents.',
  labelNames: ['payment'] as const, registers });
export const signups = new Counter({ name: 'psf_web_signups_total', help: 'Accounts that were opened.', registers });

export const vitals = new Histogram({
  name: 'web_vitals_seconds', help: 'Web vitals that are times, as browsers measured them (LCP, INP, FCP, TTFB).',
  labelNames: ['name', 'route'] as const,
  // Edges are what counts as good and as poor: INP 0.2 and 0.5, TTFB 0.8 and 1.8, FCP 1.8 and 3, LCP 2.5 and 4.
  buckets: [0.05, 0.1, 0.2, 0.5, 0.8, 1.2, 1.8, 2.5, 3, 4, 6, 10], registers });
export const layoutShift = new Histogram({
  name: 'web_vitals_cls_score', help: 'Cumulative layout shift, as browsers measured it.',
  labelNames: ['route'] as const, buckets: [0.01, 0.05, 0.1, 0.15, 0.25, 0.5, 1], registers });

export const faultActive = new Gauge({
  name: 'psf_web_fault_active', help: 'Whether a fault is switched on for a drill.', labelNames: ['fault'] as const, registers });
export const buildInfo = new Gauge({
  name: 'psf_web_build_info', help: 'Always 1; what runs.', labelNames: ['version', 'node_version'] as const, registers });

/** Series that are counted from the first scrape on: a rate over a series that begins with its first event misses that event. */
export function startMetrics(version: string): void {
  collectDefaultMetrics({ register: registry, gcDurationBuckets: [0.001, 0.01, 0.1, 1, 2] });
  for (const result of ['hit', 'miss']) cacheRequests.inc({ result }, 0);
  for (const reason of FALLBACKS) fallbacks.inc({ reason }, 0);
  for (const payment of PAYMENTS) {
    orders.inc({ payment }, 0);
    revenue.inc({ payment }, 0);
  }
  for (const fault of FAULTS) faultActive.set({ fault }, 0);
  buildInfo.set({ version, node_version: process.versions.node }, 1);
}

/** A method as a label; whatever a client makes up is one value. */
export const methodLabel = (method: string): string =>
  (METHODS as readonly string[]).includes(method) ? method : '_OTHER';

export const currentSpan = (): SpanContext | undefined => trace.getSpanContext(context.active());

/** The trace as an exemplar, if it is kept: a link to a trace that was never stored leads nowhere. */
export function exemplar(span: SpanContext | undefined): { trace_id: string; span_id: string } | undefined {
  if (!span || !isSpanContextValid(span) || (span.traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
  return { trace_id: span.traceId, span_id: span.spanId };
}

/** Record a duration with the trace it was measured in. */
export function observe<T extends string>(
  histogram: Histogram<T>, labels: Partial<Record<T, string | number>>, seconds: number, span: SpanContext | undefined): void {
  // prom-client types the labels of an exemplar as those of the metric, which they never are.
  const exemplarLabels = exemplar(span) as Partial<Record<T, string>> | undefined;
  histogram.observe({ labels, value: seconds, ...(exemplarLabels ? { exemplarLabels } : {}) } as Parameters<typeof histogram.observe>[0] & object);
}
