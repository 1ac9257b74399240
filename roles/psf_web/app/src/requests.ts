// What every HTTP request leaves behind: a duration, a log line, the route in its span.
import { context, trace } from '@opentelemetry/api';
import { getRPCMetadata, RPCType } from '@opentelemetry/core';
import type { NextFunction, Request, Response } from 'express';
import { isHousekeeping } from './instrument';
import { log } from './log';
import { currentSpan, httpActive, httpDuration, methodLabel, observe, UNMATCHED } from './metrics';

/** The pattern that matched, such as /products/:id, never the path: ids must not become label values. */
export function routeOf(request: Request): string | undefined {
  const route = request.route as { path?: unknown } | undefined;
  return typeof route?.path === 'string' ? route.path : undefined;
}

/** Tell the span of the request its route, so it is called "GET /products/:id". */
export function nameSpan(route: string): void {
  const metadata = getRPCMetadata(context.active());
  if (metadata?.type === RPCType.HTTP) metadata.route = route;
}

/**
 * Express middleware, before everything else. A client that hung up counts as 499. Requests of machines about this process are
 * left out, or they would thin out errors and waits of those that serve people.
 */
export function observeRequests(request: Request, response: Response, next: NextFunction): void {
  if (isHousekeeping(request.url)) {
    next();
    return;
  }
  const started = process.hrtime.bigint();
  const method = methodLabel(request.method);
  const span = currentSpan();
  const active = trace.getActiveSpan();
  const here = context.active();
  httpActive.inc({ http_request_method: method });
  response.once('close', () => {
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    const status = response.writableFinished ? response.statusCode : 499;
    const route = routeOf(request) ?? UNMATCHED;
    httpActive.dec({ http_request_method: method });
    observe(httpDuration, {
      http_request_method: method, http_route: route, http_response_status_code: String(status) }, seconds, span);
    context.with(active ? trace.setSpan(here, active) : here, () => {
      log[status >= 500 ? 'error' : 'info']({ method, route, status, duration_ms: Math.round(seconds * 1e5) / 100 }, 'request');
    });
  });
  next();
}
